/**
 * Inference in the same process, against a loop in C over the same API as the limit.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { compile } from "../ffi/bridge/compiler.ts";
import { setUpTriton } from "../src/setup/setup.ts";
import { ECHO_MODELS, echoBackends } from "../tests/support/echo_backend.ts";
import { temporaryPath } from "./bodies.ts";
import { median } from "./compare.ts";
import { runtimeCommand } from "../tests/support/command.ts";
import type { Result } from "./report.ts";

const here = dirname(fileURLToPath(import.meta.url));
const SECONDS = 2;
const IN_FLIGHT = [1, 16, 64];
/** At 16 in flight: no more than 1.3 times the C loop's time on Bun, and twice on Deno. */
const AIMS: Readonly<Record<string, number>> = { Bun: 1 / 1.3, Deno: 1 / 2 };

interface Measured {
  readonly rate: number;
  /** Microseconds a request. */
  readonly cpu: number;
}

interface Contestant {
  readonly name: string;
  run(inFlight: number): Measured;
}

/** The results, the C loop's as those of the C++ server. */
export async function benchInProcess(rounds: number): Promise<Result[]> {
  const script = join(here, "in_process_loop.ts");
  const contestants = [
    await cLoop(),
    loop("Deno", [...runtimeCommand("deno"), "run", "-A", script]),
    loop("Bun", [...runtimeCommand("bun"), "run", script]),
  ];
  return IN_FLIGHT.flatMap((inFlight) => {
    const found = new Map(contestants.map((each): [Contestant, Measured[]] => [each, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [contestant, list] of found) list.push(contestant.run(inFlight));
    }
    const peers = found.get(contestants[0]) as Measured[];
    return Array.from(found, ([{ name }, list]) => ({
      name: `in process, ${inFlight} in flight`,
      server: name,
      aim: inFlight === 16 ? AIMS[name] : undefined,
      rate: median(list.map(({ rate }) => rate)),
      ratio: median(list.map(({ rate }, round) => rate / peers[round].rate)),
      cpu: median(list.map(({ cpu }) => cpu)),
      p50: NaN,
      p99: NaN,
      memory: NaN,
    }));
  });
}

function loop(name: string, command: readonly string[]): Contestant {
  return { name, run: (inFlight) => measure([...command, `${inFlight}`, `${SECONDS}`], {}) };
}

async function cLoop(): Promise<Contestant> {
  const triton = await setUpTriton({ progress: console.error });
  const program = temporaryPath("in_process");
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const target = ["-target", `${architecture}-linux-gnu.2.28`];
  compile([...target, "-std=c11", "-O2", "-o", program, "in_process.c", "-lpthread", "-ldl"], here);
  const command = [program, triton.library, ECHO_MODELS, echoBackends(triton)];
  // Where the libraries are that it needs.
  const env = { LD_LIBRARY_PATH: dirname(triton.library) };
  return { name: "C", run: (inFlight) => measure([...command, `${inFlight}`, `${SECONDS}`], env) };
}

function measure([program, ...args]: readonly string[], env: Record<string, string>): Measured {
  const { stdout, stderr } = spawnSync(program, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  const found = /^MEASURED (.*)$/m.exec(stdout ?? "");
  if (found === null) throw new Error(`${program} failed:\n${stdout}${stderr}`);
  return JSON.parse(found[1]);
}
