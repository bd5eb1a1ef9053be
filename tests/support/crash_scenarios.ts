/**
 * A program that does to a server what tends to crash servers, one scenario a process, and ends as it
 * would without that: by itself, with exit code 0. Its last line is `DONE <scenario> <summary>`.
 *
 *     deno run -A tests/support/crash_scenarios.ts SCENARIO
 *     bun tests/support/crash_scenarios.ts SCENARIO
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { KServeGrpc, KServeHttp, type Server, type TritonError } from "../../mod.ts";
import { startChild } from "./child.ts";
import {
  type Echo,
  echoInProcess,
  echoOverGrpc,
  echoOverHttp,
  grpcEchoMessage,
  httpEchoBody,
} from "./echo_clients.ts";
import { RawGrpcClient } from "./grpc_raw.ts";
import { KeepAliveHttp } from "./keep_alive_http.ts";
import { assertNothingAlive, sleep, startEcho } from "./real_server.ts";
import { occupyMainThread, THREADS } from "./threads.ts";

const LOCAL = { address: "127.0.0.1", port: 0, threads: THREADS };
const MINUTE_US = 60_000_000;
const INFER = "/v2/models/echo/infer";
const TIMED_OUT = { code: "INTERNAL", message: "Exit timeout expired. Exiting immediately." };

async function startAll(exitTimeout?: number) {
  const server = await startEcho({ exitTimeout });
  const http = await KServeHttp.start(server, LOCAL);
  const grpc = await KServeGrpc.start(server, LOCAL);
  await occupyMainThread("http", http.port);
  return { server, http, grpc };
}

async function requestsInFlight(server: Server, count: number): Promise<void> {
  for (let i = 0; i < 400 && server.liveCounters().requests !== count; i++) await sleep(25);
  assert.equal(server.liveCounters().requests, count);
}

/**
 * How many requests ended in which way. Fails where it is neither the value that was sent nor a clear
 * refusal.
 */
function tally(ends: readonly Echo[], sent: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  ends.forEach((end, index) => {
    if (typeof end === "number") assert.equal(end, sent[index]);
    else assert.match(String(end.status), /^(503|14|UNAVAILABLE|CANCELLED)$/, end.message);
    const key = typeof end === "number" ? "answered" : `${end.status} ${end.message}`;
    counts[key] = (counts[key] ?? 0) + 1;
  });
  return counts;
}

/** Sends a hundred requests by three ways, stops the server when all are in flight, and says how they ended. */
async function stopInFlight(delayUs: number, exitTimeout?: number): Promise<unknown> {
  const { server, http, grpc } = await startAll(exitTimeout);
  const client = new RawGrpcClient(grpc.port);
  const ways = [
    (value: number) => echoInProcess(server, value, delayUs),
    (value: number) => echoOverHttp(http.port, value, delayUs),
    (value: number) => echoOverGrpc(client, value, delayUs),
  ];
  // The model has one instance: while it is busy with this, nothing else ends.
  const plug = new AbortController();
  const plugged = server.model("echo").infer({
    inputs: { INPUT0: new Float32Array(1) },
    parameters: { delay_us: MINUTE_US },
    signal: plug.signal,
  });
  const values = Array.from({ length: 100 }, (_, index) => index);
  const ends = values.map((value) => ways[value % 3](value));
  await requestsInFlight(server, 101);
  const stopped = server.stop();
  plug.abort(new Error("unplugged"));
  await assert.rejects(async () => await plugged, /unplugged/);
  if (exitTimeout === undefined) await stopped;
  else await assert.rejects(stopped, TIMED_OUT);
  const summary = tally(await Promise.all(ends), values);
  await client[Symbol.asyncDispose]();
  return summary;
}

/** What a client process sends, and never gets an answer to. */
const CLIENTS = {
  "http-infer": (port: number) => void echoOverHttp(port, 1, MINUTE_US),
  "http-generate-stream": (port: number) => {
    const body = JSON.stringify({ INPUT0: [1], delay_us: 2000, responses: 100_000 });
    const url = `http://127.0.0.1:${port}/v2/models/echo_stream/generate_stream`;
    void fetch(url, { method: "POST", body }).then(async ({ status, body }) => {
      assert.equal(status, 200);
      for await (const _ of body!);
    });
  },
  "grpc-infer": (port: number) => void echoOverGrpc(new RawGrpcClient(port), 1, MINUTE_US),
  "grpc-stream": (port: number) => {
    const messages = [grpcEchoMessage(1, MINUTE_US), grpcEchoMessage(1, MINUTE_US, "echo_stream")];
    const path = "/inference.GRPCInferenceService/ModelStreamInfer";
    void new RawGrpcClient(port).call({ path, messages });
  },
};

async function killClients(): Promise<unknown> {
  const { server, http, grpc } = await startAll();
  const self = fileURLToPath(import.meta.url);
  for (
    const [name, count] of Object.entries({
      "http-infer": 1,
      "http-generate-stream": 1,
      "grpc-infer": 1,
      "grpc-stream": 2,
    })
  ) {
    const port = name.startsWith("http") ? http.port : grpc.port;
    const client = startChild(self, ["client", name, String(port)]);
    await requestsInFlight(server, count);
    process.kill(client.pid, "SIGKILL");
    assert.equal((await client.end).signal, "SIGKILL");
    await assertNothingAlive(server);
    assert.equal(await echoOverHttp(http.port, 5), 5);
  }
  await server.stop();
  return "the models were free again each time";
}

/** Requests after a stop: in process, on connections that were open, and on an app that is mounted. */
async function inferAfterStop(): Promise<unknown> {
  const { server, http, grpc } = await startAll();
  const model = server.model("echo");
  const connection = new KeepAliveHttp(http.port);
  const client = new RawGrpcClient(grpc.port);
  assert.equal((await connection.post(INFER, httpEchoBody(1))).status, 200);
  assert.equal(await echoOverGrpc(client, 1), 1);

  const running = echoInProcess(server, 9, 1_000_000);
  const stopped = server.stop();
  const late = [await connection.post(INFER, httpEchoBody(1)), await echoOverGrpc(client, 1)];
  assert.equal(await running, 9);
  await stopped;
  const after = [await connection.post(INFER, httpEchoBody(1)), await echoOverGrpc(client, 1)];
  for (const end of [...late, ...after]) {
    const { status } = end as { status: number };
    // A connection that was closed, or a clear refusal.
    assert.ok([0, 503, -1, 14].includes(status), JSON.stringify(end));
  }
  const mounted = await http.app.fetch(
    new Request(`http://localhost${INFER}`, { method: "POST", body: httpEchoBody(1) }),
  );
  assert.deepEqual(
    { status: mounted.status, text: await mounted.text() },
    { status: 503, text: '{"error":"Server not ready"}' },
  );
  await assert.rejects(fetch(`http://127.0.0.1:${http.port}/v2`));
  await using refused = new RawGrpcClient(grpc.port);
  assert.deepEqual(await echoOverGrpc(refused, 1), { status: -1, message: "" });
  await assert.rejects(async () => await model.infer({ inputs: { INPUT0: new Float32Array(1) } }), {
    code: "UNAVAILABLE",
    message: "Server not ready",
  });
  connection.close();
  return { late, after };
}

/** A stop that its exit timeout ends; `stubborn` requests do not even end when cancelled. */
async function exitTimeout(stubborn: boolean): Promise<unknown> {
  const server = await startEcho({ exitTimeout: 1 });
  const inference = server.model("echo").infer({
    inputs: { INPUT0: new Float32Array(1) },
    parameters: { delay_us: stubborn ? 12_000_000 : MINUTE_US, stubborn: stubborn ? 1 : 0 },
  });
  const end = inference.then(() => "answered", (error) => (error as TritonError).code);
  await requestsInFlight(server, 1);
  await assert.rejects(server.stop(), TIMED_OUT);
  await assert.rejects(server.stop(), TIMED_OUT);
  assert.deepEqual(await echoInProcess(server, 1), {
    status: "UNAVAILABLE",
    message: "Server not ready",
  });
  // The process ends without waiting for the stubborn one.
  if (!stubborn) assert.equal(await end, "CANCELLED");
  return { stubborn };
}

/** Ends the process while requests run and responses come. */
async function exitMidway(stopping: boolean): Promise<unknown> {
  const { server, http, grpc } = await startAll();
  const client = new RawGrpcClient(grpc.port);
  let streamed = 0;
  void (async () => {
    const inputs = { INPUT0: new Float32Array(1000) };
    const parameters = { responses: 1_000_000 };
    const inference = server.model("echo_stream").infer({ inputs, parameters });
    for await (const _ of inference) streamed++;
  })().catch(() => {});
  for (let value = 0; value < 30; value++) {
    void echoInProcess(server, value, 20_000);
    void echoOverHttp(http.port, value, 20_000).catch(() => {});
    void echoOverGrpc(client, value, 20_000);
  }
  await sleep(Math.random() * 200);
  if (stopping) void server.stop();
  await sleep(Math.random() * 100);
  console.log(`DONE ${process.argv[2]} ${JSON.stringify({ streamed })}`);
  process.exit(0);
}

/** The scenarios by name. */
const SCENARIOS: Record<string, () => Promise<unknown>> = {
  "kill-clients": killClients,
  "stop-in-flight": () => stopInFlight(3_000),
  "stop-in-flight-cut": () => stopInFlight(150_000, 1),
  "infer-after-stop": inferAfterStop,
  "exit-timeout": () => exitTimeout(false),
  "exit-timeout-stubborn": () => exitTimeout(true),
  "exit-midway": () => exitMidway(false),
  "exit-while-stopping": () => exitMidway(true),
};

/** What the test runs, in this order. */
export const SCENARIO_NAMES: readonly string[] = Object.keys(SCENARIOS);

if (import.meta.main) {
  const [, , name, ...args] = process.argv;
  if (name === "client") CLIENTS[args[0] as keyof typeof CLIENTS](Number(args[1]));
  else console.log(`DONE ${name} ${JSON.stringify(await SCENARIOS[name]())}`);
}
