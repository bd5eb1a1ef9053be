/**
 * The table of the benchmark.
 *
 * @module
 */

/** What one server did in one case: medians of all rounds. */
export interface Result {
  readonly name: string;
  readonly server: string;
  /** The ratio that is aimed at. */
  readonly aim: number | undefined;
  /** Requests a second. */
  readonly rate: number;
  /** Of the rate to the C++ server's. */
  readonly ratio: number;
  /** Microseconds of the server's CPU a request. */
  readonly cpu: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The most memory so far, in MiB. */
  readonly memory: number;
}

/** The heads of a table's columns, and how wide they are. */
export type Columns = readonly (readonly [title: string, width: number])[];

const COLUMNS: Columns = [
  ["case", 40],
  ["server", 7],
  ["requests/s", 12],
  ["ratio", 7],
  ["aim", 6],
  ["CPU us", 10],
  ["p50 ms", 9],
  ["p99 ms", 9],
  ["MiB", 7],
];

/** The heads of the columns. */
export function heading(columns: Columns = COLUMNS): string {
  return row(columns, columns.map(([title]) => title));
}

/** One result. */
export function line(result: Result): string {
  const { name, server, rate, ratio, aim, cpu, p50, p99, memory } = result;
  return row(COLUMNS, [
    name,
    server,
    rate.toFixed(rate < 100 ? 1 : 0),
    ratio.toFixed(2),
    server === "C++" || aim === undefined ? "" : aim.toFixed(2),
    cpu.toFixed(1),
    p50.toFixed(2),
    p99.toFixed(2),
    memory.toFixed(0),
  ]);
}

/** One line of a table, the first column to the left. */
export function row(columns: Columns, texts: readonly string[]): string {
  return texts.map((text, column) => {
    const width = columns[column][1];
    return column === 0 ? text.padEnd(width) : text.padStart(width);
  }).join("");
}
