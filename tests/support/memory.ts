/**
 * Memory over many inferences in this process. As a program it prints a table:
 *
 *     deno run -A tests/support/memory.ts [INFERENCES]
 *     bun tests/support/memory.ts [INFERENCES]
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import type { Server } from "../../mod.ts";
import { assertNothingAlive, startEcho } from "./real_server.ts";

/** How many are in flight at a time. */
const AT_ONCE = 32;
/** Bytes of a tensor: some are copied into the request, larger ones lent to Triton. */
const SIZES = [4, 4096, 65536];
const STEP = 20_000;

/** The memory of this process, in megabytes. */
function residentMegabytes(): number {
  return Math.round(process.memoryUsage().rss / 2 ** 20);
}

/**
 * The least memory that this process has after one of five calls of `work`: garbage, which runtimes let
 * lie for a while, comes and goes; what is leaked stays.
 */
export async function leastMegabytes(work: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    await work();
    least = Math.min(least, residentMegabytes());
  }
  return least;
}

/** Runs so many inferences of the echo model and checks their answers. */
export async function inferMany(server: Server, count: number): Promise<void> {
  const model = server.model("echo");
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      const index = begun++;
      const values = new Float32Array(SIZES[index % SIZES.length] / 4).fill(index);
      const response = await model.infer({ inputs: { INPUT0: values }, id: String(index) });
      const output = response.output("OUTPUT0").bytes;
      assert.equal(output.length, values.byteLength);
      assert.equal(new DataView(output.buffer, output.byteOffset).getFloat32(0, true), index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

if (import.meta.main) {
  const total = Number(process.argv[2] ?? 200_000);
  const server = await startEcho();
  console.log("inferences  RSS MB  heap MB  inferences/s");
  for (let done = 0; done <= total; done += STEP) {
    const started = Date.now();
    if (done > 0) await inferMany(server, STEP);
    const rate = done > 0 ? Math.round(STEP * 1000 / (Date.now() - started)) : 0;
    const heap = Math.round(process.memoryUsage().heapUsed / 2 ** 20);
    const row = [done, residentMegabytes(), heap, rate];
    console.log(row.map((value, i) => String(value).padStart([10, 7, 8, 13][i])).join(" "));
  }
  await assertNothingAlive(server);
  await server.stop();
}
