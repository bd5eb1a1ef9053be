/**
 * A program that runs inferences in its process and prints a table of its memory, ten rows and the
 * start:
 *
 *     deno run -A tests/support/memory.ts [mixed|small|large|streams|failures] [COUNT]
 *     bun tests/support/memory.ts [mixed|small|large|streams|failures] [COUNT]
 *
 * Without arguments it runs 200,000 mixed ones.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import type { Server } from "../../mod.ts";
import { assertNothingAlive, startEcho } from "./real_server.ts";

/** How many inferences are in flight at a time. */
const AT_ONCE = 32;
const ROWS = 10;

/** Does something `count` times. */
type Work = (server: Server, count: number) => Promise<void>;

/** Inferences with tensors of these sizes in bytes, in turn; small ones are copied, larger ones lent to Triton. */
function inferences(...sizes: number[]): Work {
  return async (server, count) => {
    const model = server.model("echo");
    let begun = 0;
    const worker = async () => {
      while (begun < count) {
        const index = begun++;
        const values = new Float32Array(sizes[index % sizes.length] / 4).fill(index);
        const response = await model.infer({ inputs: { INPUT0: values }, id: String(index) });
        const output = response.output("OUTPUT0").bytes;
        assert.equal(output.length, values.byteLength);
        assert.equal(new DataView(output.buffer, output.byteOffset).getFloat32(0, true), index);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
}

/** Responses of 4 kB, in streams of a hundred. */
async function streams(server: Server, count: number): Promise<void> {
  const inputs = { INPUT0: new Float32Array(1000) };
  for (let done = 0; done < count; done += 100) {
    const responses = { inputs, parameters: { responses: 100 } };
    for await (const _ of server.model("echo_stream").infer(responses));
  }
}

/** Rounds of what may go wrong: a model's error, a refusal, a cancellation, an abandoned stream. */
async function failures(server: Server, count: number): Promise<void> {
  const inputs = { INPUT0: new Float32Array(1000) };
  const model = server.model("echo");
  for (let i = 0; i < count; i++) {
    const failing = model.infer({ inputs, parameters: { fail_at: 1 } });
    await assert.rejects(async () => await failing, /told to fail/);
    await assert.rejects(async () => await model.infer({ inputs: { X: inputs.INPUT0 } }));
    const abort = new AbortController();
    const parameters = { delay_us: 1_000_000 };
    const cancelled = model.infer({ inputs, parameters, signal: abort.signal });
    abort.abort(new Error("enough"));
    await assert.rejects(async () => await cancelled, /enough/);
    const stream = server.model("echo_stream").infer({ inputs, parameters: { responses: 20 } });
    for await (const _ of stream) break;
  }
}

const WORKS: Record<string, Work> = {
  mixed: inferences(4, 4096, 65536),
  small: inferences(4, 1024, 4096),
  large: inferences(65536),
  streams,
  failures,
};

const [, , name = "mixed", total = "200000"] = process.argv;
const server = await startEcho();
const step = Math.ceil(Number(total) / ROWS);
console.log(`${name.padStart(10)}  RSS MB  heap MB  per second`);
for (let row = 0; row <= ROWS; row++) {
  const started = Date.now();
  if (row > 0) await WORKS[name](server, step);
  const rate = row > 0 ? Math.round(step * 1000 / (Date.now() - started)) : 0;
  const { rss, heapUsed } = process.memoryUsage();
  const columns = [row * step, Math.round(rss / 2 ** 20), Math.round(heapUsed / 2 ** 20), rate];
  console.log(columns.map((value, i) => String(value).padStart([10, 7, 8, 11][i])).join(" "));
}
await assertNothingAlive(server);
await server.stop();
