/**
 * What the time of a request is spent on: every case once on each server while `perf` looks at it, and of the
 * CPU time of a request the part that belongs to each library.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { temporaryPath } from "./bodies.ts";
import { type Case, cases } from "./cases.ts";
import { compare } from "./compare.ts";
import { installed } from "./programs.ts";
import { type Columns, heading, row } from "./report.ts";
import { type BenchServer, onFreshServers } from "./servers.ts";

const NAME = "profile: ";
const SECONDS = 2;
/** A client may need so long before it asks anything. */
const BEFORE_MS = 600;
const SAMPLES_PER_SECOND = 999;

/** By what a library is called, the first that fits. */
const OWNERS: readonly (readonly [title: string, library: RegExp])[] = [
  ["kernel", /^\[kernel/],
  ["Triton", /^libtriton/],
  ["C++ http", /^tritonserver$/],
  ["runtime", /^(deno|bun(\.exe)?)$/],
  ["JS", /^\[JIT\]/],
  ["bridge", /triton-ts-bridge/],
  ["C lib.", /./],
];

const COLUMNS: Columns = [
  ["profile, us of CPU a request", 40],
  ["server", 7],
  ["all", 10],
  ...OWNERS.map(([title]) => [title, 10] as const),
];

/** Profiles the cases with `wanted` in their names, which all begin with `profile: `, and prints a table. */
export async function benchProfile(wanted: string): Promise<void> {
  // Not a part of a run of everything.
  if (!wanted.startsWith("profile")) return;
  if (!installed("perf")) {
    throw new Error("Cannot profile without perf: apt-get install linux-perf");
  }
  const chosen = cases().filter(({ name }) => `${NAME}${name}`.includes(wanted));
  console.log(heading(COLUMNS));
  for (const each of chosen) {
    await onFreshServers(async (servers) => {
      for (const server of servers) {
        // Without perf, which makes all slower.
        const [{ cpu }] = await compare([server], 1, each.name, undefined, (server) => {
          return each.run(server, SECONDS);
        });
        const shares = await sharesOf(each, server);
        const times = [1, ...shares].map((share) => (share * cpu).toFixed(1));
        console.log(row(COLUMNS, [each.name, server.name, ...times]));
      }
    });
  }
}

/** What part of the time belongs to each of {@link OWNERS}. */
async function sharesOf({ run }: Case, server: BenchServer): Promise<number[]> {
  const file = temporaryPath("perf.data");
  const load = run(server, SECONDS);
  await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
  await record(server.pid, file);
  await load;
  const args = ["report", "-i", file, "--no-children", "--stdio", "-g", "none", "--sort", "dso"];
  const { stdout } = spawnSync("perf", args, { encoding: "utf8" });
  const shares = OWNERS.map(() => 0);
  for (const [, percent, library] of stdout.matchAll(/^ *([0-9.]+)% +(.+?) *$/gm)) {
    shares[OWNERS.findIndex(([, pattern]) => pattern.test(library))] += Number(percent) / 100;
  }
  return shares;
}

function record(pid: number, file: string): Promise<void> {
  const args = ["record", "-q", "-F", `${SAMPLES_PER_SECOND}`, "-o", file, "-p", `${pid}`];
  return new Promise((resolve, reject) => {
    const child = spawn("perf", [...args, "--", "sleep", "1.2"], { stdio: "ignore" });
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}
