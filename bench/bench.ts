/**
 * Our front ends against Triton's own, side by side in one run: every case in interleaved rounds on all
 * servers, so that whatever else the machine does hits all alike. Prints a table of medians: requests a
 * second, the ratio to the C++ server in the same round, the server's CPU time a request, the times within
 * which half and 99 of 100 requests were answered, and the most memory that the server has had. Then the
 * same with threads, what each server takes of memory, and how long its start takes.
 *
 *     deno task bench [ROUNDS] [PART-OF-A-CASE] [--svg=FILE]
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { cases, ratedCases } from "./cases.ts";
import { compare } from "./compare.ts";
import { benchInProcess } from "./in_process.ts";
import { benchMemory } from "./memory.ts";
import { picture } from "./picture.ts";
import { benchProfile } from "./profile.ts";
import { installed } from "./programs.ts";
import { heading, line, type Result } from "./report.ts";
import { onFreshServers } from "./servers.ts";
import { benchStart, START } from "./start.ts";
import { benchThreads } from "./threads.ts";
import { missedAims } from "./verdict.ts";

const SECONDS = 2;
const TOOLS = { wrk: "wrk", h2load: "nghttp2-client", taskset: "util-linux" };
/** How much of the C++ server's most is put on all servers, to compare their times. */
const RATED_SHARE = 0.8;

const missing = Object.entries(TOOLS).filter(([tool]) => !installed(tool));
if (missing.length > 0) {
  console.error(
    `Cannot measure without ${missing.map(([tool]) => tool).join(" and ")}: ` +
      `apt-get install ${missing.map(([, name]) => name).join(" ")}`,
  );
  process.exit(1);
}

const args = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const rounds = Number(args[0] ?? 5);
const wanted = args[1] ?? "";
const svg = process.argv.find((arg) => arg.startsWith("--svg="))?.slice("--svg=".length);

const all: Result[] = [];
function show(results: readonly Result[]): void {
  if (all.length === 0) console.log(heading());
  for (const result of results) console.log(line(result));
  all.push(...results);
}

/** Runs the wanted cases of loads. */
async function benchLoads(): Promise<void> {
  for (const { name, aim, run } of cases().filter(({ name }) => name.includes(wanted))) {
    show(
      await onFreshServers((servers) => {
        return compare(servers, rounds, name, aim, (server) => run(server, SECONDS));
      }),
    );
  }
  for (const { name, run, most } of ratedCases().filter(({ name }) => name.includes(wanted))) {
    show(
      await onFreshServers(async (servers) => {
        const peers = [await most(servers[0], SECONDS), await most(servers[0], SECONDS)];
        const rate = RATED_SHARE * Math.max(...peers.map(({ rate }) => rate));
        return await compare(
          servers,
          rounds,
          name,
          undefined,
          (server) => run(server, SECONDS, rate),
        );
      }),
    );
  }
}

await benchLoads();
if ("in process".includes(wanted)) show(await benchInProcess(rounds));
const threaded = await benchThreads(rounds, wanted);
await benchMemory(wanted);
if (START.includes(wanted)) await benchStart();
await benchProfile(wanted);
const measured = [...all, ...threaded];
if (measured.length > 0) {
  const missed = missedAims(measured);
  console.log(missed.length === 0 ? "\nEvery aim was held." : `\nMissed:\n${missed.join("\n")}`);
}
if (svg !== undefined) writeFileSync(svg, picture(all));
