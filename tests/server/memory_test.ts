/**
 * Memory that does not grow, on the real library. Each kind of work runs in a process of its own, see
 * tests/support/memory.ts: what a test runner keeps would hide what we keep.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../support/child.ts";

const PROGRAM = fileURLToPath(new URL("../support/memory.ts", import.meta.url).href);

/**
 * How many of each kind, and by how many megabytes a process may grow: more than garbage does, which for large
 * tensors comes in large steps, and less than any leak would come to. One of 2 kB would show, of 16 kB with
 * large tensors and in a round of failures.
 */
const KINDS = {
  small: { count: 60_000, limitMb: 40 },
  large: { count: 20_000, limitMb: 100 },
  streams: { count: 60_000, limitMb: 40 },
  failures: { count: 6000, limitMb: 40 },
};

/** The memory in the rows of the program's table. */
function megabytes(table: string): number[] {
  return [...table.matchAll(/^ *\d+ +(\d+) +\d+ +\d+$/gm)].map(([, rss]) => Number(rss));
}

for (const [kind, { count, limitMb }] of Object.entries(KINDS)) {
  test(`memory does not grow over ${count} ${kind}`, async () => {
    const { code, output } = await startChild(PROGRAM, [kind, String(count)], 110_000).end;
    assert.equal(code, 0, output);
    const rows = megabytes(output);
    assert.equal(rows.length, 11, output);
    // The first half warms up. What is garbage comes and goes; what is leaked stays.
    const grown = Math.min(...rows.slice(8)) - Math.min(...rows.slice(4, 7));
    assert.ok(grown < limitMb, `grown by ${grown} MB\n${output}`);
  });
}
