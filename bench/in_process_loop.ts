/**
 * Inference in the same process, with so many requests in flight: what in_process.c does, by this
 * package. Started by in_process.ts with the number in flight and the seconds as its arguments.
 *
 * @module
 */
import process from "node:process";
import type { EngineResponse } from "../src/engine.ts";
import type { Settled } from "../src/settled.ts";
import { startEcho } from "../tests/support/real_server.ts";

const [inFlight, seconds] = process.argv.slice(2).map(Number);
const WARM_UP = 20_000;

const server = await startEcho();
const data = new Uint8Array(new Float32Array(16).fill(1.5).buffer);
const request = {
  modelName: "echo",
  modelVersion: -1,
  inputs: [{ name: "INPUT0", datatype: "FP32", shape: [16], data }],
};

let done = 0;
let running = inFlight;
let started = 0;
let cpu = process.cpuUsage();
const { promise: ended, resolve: end } = Promise.withResolvers<void>();

function onResponse(response: EngineResponse): Settled {
  const { final, error } = response;
  if (error !== undefined) throw error;
  if (response.outputs[0].data[3] !== 0x3f) throw new Error("a wrong answer");
  response.release();
  if (!final) return true;
  done++;
  const now = performance.now();
  if (started === 0 && done >= WARM_UP) {
    started = now;
    cpu = process.cpuUsage();
    done = 0;
  }
  if (started === 0 || now < started + seconds * 1000) server.infer(request, onResponse);
  else if (--running === 0) return end();
  return true;
}

for (let i = 0; i < inFlight; i++) server.infer(request, onResponse);
await ended;
const took = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(`MEASURED ${JSON.stringify({ rate: done / took, cpu: (user + system) / done })}`);
await server.stop();
