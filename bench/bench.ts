/**
 * Our front ends against Triton's own, side by side in one run: every case in interleaved rounds on all
 * servers, so that whatever else the machine does hits all alike. Prints a table of medians: requests a
 * second, the ratio to the C++ server in the same round, and the server's CPU time a request.
 *
 *     deno task bench [ROUNDS] [PART-OF-A-CASE]
 *
 * @module
 */
import process from "node:process";
import { loads } from "./loads.ts";
import { type BenchServer, installed, startServers } from "./servers.ts";

const SECONDS = 2;
const TOOLS = { wrk: "wrk", h2load: "nghttp2-client", taskset: "util-linux" };

interface Round {
  readonly rate: number;
  readonly ratio: number;
  readonly cpu: number;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

const missing = Object.entries(TOOLS).filter(([tool]) => !installed(tool));
if (missing.length > 0) {
  console.error(
    `Cannot measure without ${missing.map(([tool]) => tool).join(" and ")}: ` +
      `apt-get install ${missing.map(([, name]) => name).join(" ")}`,
  );
  process.exit(1);
}
const rounds = Number(process.argv[2] ?? 5);
const wanted = process.argv[3] ?? "";
const servers: BenchServer[] = await startServers();
try {
  const header = ["case", "server", "requests/s", "ratio", "CPU us"];
  console.log(
    `${header[0].padEnd(24)}${header.slice(1).map((text) => text.padStart(12)).join("")}`,
  );
  for (const load of loads().filter(({ name }) => name.includes(wanted))) {
    const results = new Map(servers.map((server): [BenchServer, Round[]] => [server, []]));
    for (let round = -1; round < rounds; round++) {
      let peer = 0;
      for (const server of servers) {
        const before = server.cpuMicroseconds();
        const rate = await load.run(server, SECONDS);
        const cpu = (server.cpuMicroseconds() - before) / (rate * SECONDS);
        if (server === servers[0]) peer = rate;
        // The first round only warms up.
        if (round >= 0) results.get(server)?.push({ rate, ratio: rate / peer, cpu });
      }
    }
    for (const [server, list] of results) {
      const figures = [
        median(list.map(({ rate }) => rate)).toFixed(0),
        median(list.map(({ ratio }) => ratio)).toFixed(2),
        median(list.map(({ cpu }) => cpu)).toFixed(1),
      ];
      console.log(
        load.name.padEnd(24) + [server.name, ...figures].map((text) => text.padStart(12)).join(""),
      );
    }
  }
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
