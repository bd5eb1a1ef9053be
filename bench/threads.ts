/**
 * What threads bring: the C++ server, and ours with one thread and with two, all on two cores, of which the
 * load takes what it needs; and what that would be on sixteen.
 *
 * @module
 */
import { type Case, threadCases } from "./cases.ts";
import { compare } from "./compare.ts";
import { type Columns, heading, line, type Result, row } from "./report.ts";
import { onFreshServers, serverStarts } from "./servers.ts";

const SECONDS = 2;
const THREADS = [1, 2];
const CORES = "0,1";
const MODELLED = 16;
const COLUMNS: Columns = [
  [`threads: modelled for ${MODELLED} cores`, 40],
  ["server", 7],
  ["CPU us: 1", 11],
  ["2", 7],
  ["requests/s", 12],
  ["ratio", 7],
];

/** Measures the cases with `wanted` in their names, and prints two tables; the results. */
export async function benchThreads(rounds: number, wanted: string): Promise<Result[]> {
  const cases = threadCases().filter(({ name }) => name.includes(wanted));
  if (cases.length === 0) return [];
  const starts = await serverStarts(THREADS, CORES);
  const all: Result[] = [];
  const models: string[] = [];
  console.log(`\n${heading()}`);
  for (const { name, run } of cases) {
    const results = await onFreshServers((servers) => {
      return compare(servers, rounds, name, undefined, (server) => run(server, SECONDS));
    }, starts);
    for (const result of results) console.log(line(result));
    models.push(...modelled(name, results));
    all.push(...results);
  }
  console.log(`\n${heading(COLUMNS)}`);
  for (const text of models) console.log(text);
  return all;
}

/**
 * The rate of as many processors that are all busy with requests, each of which takes the worse of the two
 * times that were measured: the second thread shows what threads cost each other, and what it costs that fewer
 * requests are there in each turn. What the models and Triton itself can take is left out.
 */
function modelled(name: Case["name"], [peer, ...ours]: readonly Result[]): string[] {
  const peerRate = MODELLED * 1e6 / peer.cpu;
  const lines = [row(COLUMNS, [
    name,
    peer.server,
    "",
    peer.cpu.toFixed(1),
    peerRate.toFixed(0),
    "1.00",
  ])];
  for (let index = 0; index < ours.length; index += THREADS.length) {
    const [one, two] = ours.slice(index, index + THREADS.length);
    const rate = MODELLED * 1e6 / Math.max(one.cpu, two.cpu);
    const runtime = one.server.split(" ")[0];
    const times = [one.cpu, two.cpu].map((time) => time.toFixed(1));
    lines.push(
      row(COLUMNS, [name, runtime, ...times, rate.toFixed(0), (rate / peerRate).toFixed(2)]),
    );
  }
  return lines;
}
