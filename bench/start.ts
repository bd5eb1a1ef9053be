/**
 * How long the servers take from the start of the process until they are ready, and what ours do in that
 * time: medians of interleaved rounds, all with the same repository, each on one core.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand } from "../tests/support/command.ts";
import { ECHO_MODELS } from "../tests/support/echo_backend.ts";
import { median } from "./compare.ts";
import { type Columns, heading, row } from "./report.ts";
import { benchTriton, SERVER_CORE, serverStarts } from "./servers.ts";

/** What this part is called. */
export const START = "start until ready";

const ROUNDS = 5;
const COLUMNS: Columns = [["start, ms", 40], ["C++", 8], ["Deno", 8], ["Bun", 8]];
const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "start_program.ts");

/** The parts of a start, in milliseconds. */
interface Parts {
  readonly runtime: number;
  readonly importing: number;
  readonly server: number;
}

/** Measures the starts and prints a table. */
export async function benchStart(): Promise<void> {
  const { triton, backends } = await benchTriton();
  const starts = await serverStarts();
  const total: number[][] = starts.map(() => []);
  const parts: Parts[][] = [[], []];
  const program = [PROGRAM, ECHO_MODELS, triton.library, backends];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { start }] of starts.entries()) {
      const server = await start();
      total[index].push(server.startMilliseconds);
      await server.stop();
    }
    parts[0].push(partsOf([...runtimeCommand("deno"), "run", "-A", ...program]));
    parts[1].push(partsOf([...runtimeCommand("bun"), "run", ...program]));
  }
  const totals = total.map(median);
  const part = (name: keyof Parts) => parts.map((list) => median(list.map((each) => each[name])));
  const own = [part("runtime"), part("importing"), part("server")];
  const rest = [0, 1].map((runtime) =>
    own.reduce((left, each) => left - each[runtime], totals[1 + runtime])
  );
  console.log(`\n${heading(COLUMNS)}`);
  const show = (name: string, values: readonly number[]) => {
    const texts = values.map((value) => value.toFixed(0));
    // Parts are only known of ours.
    if (texts.length < starts.length) texts.unshift("");
    console.log(row(COLUMNS, [name, ...texts]));
  };
  show(START, totals);
  show("  the runtime, until the first line", own[0]);
  show("  import of mod.ts", own[1]);
  show("  Server.start: library and ServerNew", own[2]);
  show("  the rest: flags, front ends", rest);
}

function partsOf(command: readonly string[]): Parts {
  const spawned = Date.now();
  const { stdout, stderr } = spawnSync("taskset", ["-c", SERVER_CORE, ...command], {
    encoding: "utf8",
  });
  const found = /^MEASURED (.*)$/m.exec(stdout ?? "");
  if (found === null) throw new Error(`${PROGRAM} failed:\n${stdout}${stderr}`);
  const { firstLine, imported, started } = JSON.parse(found[1]);
  return { runtime: firstLine - spawned, importing: imported, server: started };
}
