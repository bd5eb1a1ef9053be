/**
 * What the servers take of memory: runs every case on servers of its own, and prints a table. What is
 * "kept" is what a server has more than before when the connections have been closed for a while.
 *
 * @module
 */
import { MEMORY_CASES, type MemoryCase, settled } from "./memory_cases.ts";
import { warmUp } from "./memory_clients.ts";
import { type Columns, heading, row } from "./report.ts";
import { type ServerStart, serverStarts } from "./servers.ts";

const BYTES = { KiB: 1 << 10, MiB: 1 << 20 };
/** How long a server has to settle after the warm-up, and at the end. */
const SETTLE_MS = 3000;

/** Measures the cases with `wanted` in their names, and prints a table. */
export async function benchMemory(wanted: string): Promise<void> {
  const cases = MEMORY_CASES.filter(({ name }) => name.includes(wanted));
  if (cases.length === 0) return;
  const starts = await serverStarts();
  const columns: Columns = [
    ["case", 52],
    ["unit", 5],
    ...starts.map(({ name }) => [name, 8] as const),
    ...starts.map(({ name }) => [`${name} kept MiB`, 15] as const),
  ];
  console.log(`\n${heading(columns)}`);
  for (const each of cases) {
    const found: Found[] = [];
    if (each.isQuiet) found.push(...await Promise.all(starts.map((start) => measure(each, start))));
    else for (const start of starts) found.push(await measure(each, start));
    const kept = found.map(({ kept }) => kept === undefined ? "" : text(kept, "MiB"));
    const taken = found.map(({ bytes }) => text(bytes, each.unit));
    console.log(row(columns, [each.name, each.unit, ...taken, ...kept]));
  }
}

interface Found {
  readonly bytes: number;
  readonly kept?: number;
}

function text(bytes: number, unit: MemoryCase["unit"]): string {
  return (bytes / BYTES[unit]).toFixed(1);
}

async function measure({ run }: MemoryCase, { start }: ServerStart): Promise<Found> {
  const server = await start();
  try {
    await warmUp(server);
    const before = await settled(server, SETTLE_MS);
    const { bytes, close } = await run(server);
    if (close === undefined) return { bytes };
    close();
    return { bytes, kept: await settled(server, SETTLE_MS) - before };
  } finally {
    await server.stop();
  }
}
