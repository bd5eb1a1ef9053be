/** Many inferences at once, by every way in, and memory that does not grow, on the real library. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeGrpc, KServeHttp, type Server } from "../../mod.ts";
import { echoInProcess, echoOverGrpc, echoOverHttp } from "../support/echo_clients.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { inferMany, leastMegabytes } from "../support/memory.ts";
import { assertNothingAlive, startEcho } from "../support/real_server.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };
const VALUES = Array.from({ length: 1000 }, (_, index) => index);
/** More than the garbage that a runtime lets lie, less than a leak of 3 kB an inference would take. */
const GROWTH_LIMIT_MB = 90;

let server: Server;
let http: KServeHttp;
let grpc: KServeGrpc;

before(async () => {
  server = await startEcho();
  http = await KServeHttp.start(server, LOCAL);
  grpc = await KServeGrpc.start(server, LOCAL);
});

test("1,000 inferences at once in this process", async () => {
  const all = Promise.all(
    VALUES.map((value) => echoInProcess(server, value, value === 0 ? 50_000 : 0)),
  );
  assert.equal(server.liveCounters().requests, 1000);
  assert.deepEqual(await all, VALUES);
  await assertNothingAlive(server);
});

test("1,000 inferences at once over HTTP", async () => {
  assert.deepEqual(
    await Promise.all(VALUES.map((value) => echoOverHttp(http.port, value))),
    VALUES,
  );
  await assertNothingAlive(server);
});

test("1,000 inferences at once over gRPC, on one connection and on twenty", async () => {
  for (const count of [1, 20]) {
    const clients = Array.from({ length: count }, () => new RawGrpcClient(grpc.port));
    const all = VALUES.map((value) => echoOverGrpc(clients[value % count], value));
    assert.deepEqual(await Promise.all(all), VALUES);
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
  await assertNothingAlive(server);
});

test("3,000 inferences at once by all ways together", async () => {
  await using client = new RawGrpcClient(grpc.port);
  const ways = [
    (value: number) => echoInProcess(server, value),
    (value: number) => echoOverHttp(http.port, value),
    (value: number) => echoOverGrpc(client, value),
  ];
  const all = ways.map((way) => Promise.all(VALUES.map(way)));
  assert.deepEqual(await Promise.all(all), [VALUES, VALUES, VALUES]);
  await assertNothingAlive(server);
});

test("100 streams of 100 responses at once", async () => {
  const stream = async () => {
    const inference = server.model("echo_stream").infer({
      inputs: { INPUT0: new Float32Array([1]) },
      parameters: { responses: 100, with_parameters: 1 },
    });
    let count = 0;
    for await (const { parameters } of inference) assert.equal(Number(parameters.index), ++count);
    return count;
  };
  const counts = await Promise.all(Array.from({ length: 100 }, stream));
  assert.deepEqual(counts, Array(100).fill(100));
  await assertNothingAlive(server);
});

test("memory does not grow over 30,000 inferences", async () => {
  const some = () => inferMany(server, 3000);
  await inferMany(server, 20_000);
  const before = await leastMegabytes(some);
  await inferMany(server, 30_000);
  const grown = await leastMegabytes(some) - before;
  assert.ok(grown < GROWTH_LIMIT_MB, `grown by ${grown} MB`);
});

test("memory does not grow over failures, cancellations and abandoned streams", async () => {
  const round = async () => {
    const inputs = { INPUT0: new Float32Array(1000) };
    const model = server.model("echo");
    const failing = model.infer({ inputs, parameters: { fail_at: 1 } });
    await assert.rejects(async () => await failing, /told to fail/);
    await assert.rejects(async () => await model.infer({ inputs: { X: inputs.INPUT0 } }));
    const abort = new AbortController();
    const cancelled = model.infer({
      inputs,
      parameters: { delay_us: 1_000_000 },
      signal: abort.signal,
    });
    abort.abort(new Error("enough"));
    await assert.rejects(async () => await cancelled, /enough/);
    const stream = server.model("echo_stream").infer({ inputs, parameters: { responses: 20 } });
    for await (const _ of stream) break;
  };
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) await round();
    await assertNothingAlive(server);
  };
  await rounds(200);
  const before = await leastMegabytes(() => rounds(50));
  await rounds(1000);
  const grown = await leastMegabytes(() => rounds(50)) - before;
  assert.ok(grown < GROWTH_LIMIT_MB, `grown by ${grown} MB`);
});

test("nothing is left alive, and everything stops", async () => {
  await assertNothingAlive(server);
  await server.stop();
});
