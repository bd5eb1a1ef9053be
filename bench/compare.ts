/**
 * One load on several servers, in turn, several times.
 *
 * @module
 */
import type { Measured } from "./programs.ts";
import type { Result } from "./report.ts";
import type { BenchServer } from "./servers.ts";

interface Round extends Measured {
  readonly ratio: number;
  readonly cpu: number;
}

/** The middle one of some values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Rounds that only warm up: a runtime has not compiled everything after one. */
const WARM_UP = 3;

/**
 * Medians of `rounds` rounds, after those that only warm up; ratios are those to the first server in the same
 * round.
 */
export async function compare(
  servers: readonly BenchServer[],
  rounds: number,
  name: string,
  aim: number | undefined,
  load: (server: BenchServer) => Promise<Measured>,
): Promise<Result[]> {
  const results = new Map(servers.map((server): [BenchServer, Round[]] => [server, []]));
  for (let round = -WARM_UP; round < rounds; round++) {
    let peer = 0;
    for (const [server, list] of results) {
      const before = server.cpuMicroseconds();
      const started = performance.now();
      const measured = await load(server);
      const seconds = (performance.now() - started) / 1000;
      const cpu = (server.cpuMicroseconds() - before) / (measured.rate * seconds);
      if (server === servers[0]) peer = measured.rate;
      if (round >= 0) list.push({ ...measured, ratio: measured.rate / peer, cpu });
    }
  }
  return Array.from(results, ([server, list]) => ({
    name,
    aim,
    server: server.name,
    rate: median(list.map(({ rate }) => rate)),
    ratio: median(list.map(({ ratio }) => ratio)),
    cpu: median(list.map(({ cpu }) => cpu)),
    p50: median(list.map(({ p50 }) => p50)),
    p99: median(list.map(({ p99 }) => p99)),
    memory: server.peakMemory() / 2 ** 20,
  }));
}
