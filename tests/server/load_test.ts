/** Many inferences at once, by every way in, on the real library. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeGrpc, KServeHttp, type Server } from "../../mod.ts";
import { echoInProcess, echoOverGrpc, echoOverHttp } from "../support/echo_clients.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { assertNothingAlive, startEcho } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";

const LOCAL = { address: "127.0.0.1", port: 0, threads: THREADS };
const VALUES = Array.from({ length: 1000 }, (_, index) => index);

let server: Server;
let http: KServeHttp;
let grpc: KServeGrpc;

before(async () => {
  server = await startEcho();
  http = await KServeHttp.start(server, LOCAL);
  await occupyMainThread("http", http.port);
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

test("nothing is left alive, and everything stops", async () => {
  await assertNothingAlive(server);
  await server.stop();
});
