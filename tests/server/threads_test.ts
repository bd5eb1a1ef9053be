/** Front ends with threads on the real library: who serves what, and what all of them share. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { KServeGrpc, KServeHttp, RestrictedFeatures, type Server } from "../../mod.ts";
import {
  LogSettingsRequestSchema,
  LogSettingsResponseSchema,
  ModelStatisticsRequestSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { makeCertificates } from "../support/certificates.ts";
import { echoOverGrpc, httpEchoBody } from "../support/echo_clients.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { KeepAliveHttp } from "../support/keep_alive_http.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";
import { makeSharedMemory, removeSharedMemory } from "../support/shared_memory.ts";
import { exchange, latin1 } from "../support/wire.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };
const INFER = "/v2/models/echo/infer";
const SERVICE = "/inference.GRPCInferenceService";

let server: Server;

before(async () => {
  server = await startEcho({ modelControlMode: "explicit", startupModels: ["echo"] });
});

/** Connections of which each thread has one: the main one the first. */
async function connections(port: number, count: number): Promise<KeepAliveHttp[]> {
  const all: KeepAliveHttp[] = [];
  for (let index = 0; index < count; index++) {
    const connection = new KeepAliveHttp(port);
    assert.equal((await connection.post(INFER, httpEchoBody(index))).status, 200);
    all.push(connection);
  }
  return all;
}

test("a busy main thread does not hold up the other one", async () => {
  const script = fileURLToPath(new URL("../support/threads_server.ts", import.meta.url).href);
  const args = "Bun" in globalThis ? [script] : ["run", "-A", "--quiet", script];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "ignore"] });
  let output = "";
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = pattern.exec(output);
        if (found === null) return;
        child.stdout.off("data", look);
        resolve(found[1]);
      };
      child.stdout.on("data", look);
    });
  child.stdout.on("data", (bytes) => output += bytes);
  const [onMain, onOther] = await connections(Number(await said(/^READY (\d+)$/m)), 2);
  child.stdin.write("\n");
  await said(/^(BUSY)$/m);
  const ends: string[] = [];
  const main = onMain.post(INFER, httpEchoBody(1)).then(() => ends.push("main"));
  for (let i = 0; i < 10; i++) {
    assert.match((await onOther.post(INFER, httpEchoBody(7))).body, /\[7\.0\]/);
    ends.push("other");
  }
  await main;
  assert.deepEqual(ends, [...Array(10).fill("other"), "main"]);
  child.stdin.end();
  const code = await new Promise((resolve) => child.on("exit", resolve));
  assert.equal(code, 0);
});

test("what a thread is asked for the whole server it has from the main thread", async () => {
  await using http = await KServeHttp.start(server, { ...LOCAL, threads: 3 });
  const [onMain, ...onOthers] = await connections(http.port, 3);
  const settings = await onMain.post("/v2/logging", '{"log_format":"ISO8601"}');
  assert.equal(settings.status, 200);
  for (const each of onOthers) {
    assert.deepEqual(await each.post("/v2/logging", "{}"), settings);
    const loaded = await each.post("/v2/repository/models/echo_stream/load", "");
    assert.deepEqual(loaded, { status: 200, body: "" });
    assert.match((await each.post("/v2/repository/index", "")).body, /"echo_stream".*"READY"/);
  }
  assert.equal((await onOthers[0].post("/v2/logging", '{"log_format":"default"}')).status, 200);
  assert.equal(server.logSettings().format, "default");
  for (const each of [onMain, ...onOthers]) {
    const unknown = await each.post("/v2/nothing", "");
    assert.deepEqual(unknown, { status: 404, body: '{"error":"Not Found"}' });
    each.close();
  }
});

test("gRPC's methods answer alike on all threads", async () => {
  await using grpc = await KServeGrpc.start(server, { ...LOCAL, threads: 3 });
  const clients: RawGrpcClient[] = [];
  const replies = [];
  for (let index = 0; index < 3; index++) {
    const client = new RawGrpcClient(grpc.port);
    assert.equal(await echoOverGrpc(client, index), index);
    clients.push(client);
    const call = (method: string, bytes = new Uint8Array(0)) =>
      client.call({ path: `${SERVICE}/${method}`, messages: [bytes] });
    const format = index === 1 ? "ISO8601" : "default";
    const settings = create(LogSettingsRequestSchema, {
      settings: { log_format: { parameterChoice: { case: "stringParam", value: format } } },
    });
    const changed = await call("LogSettings", toBinary(LogSettingsRequestSchema, settings));
    const { settings: shown } = fromBinary(LogSettingsResponseSchema, changed.messages[0]);
    assert.equal(shown.log_format.parameterChoice.value, format);
    const unknown = create(ModelStatisticsRequestSchema, { name: "nöpe %" });
    replies.push([
      await call("ServerMetadata"),
      await call("ServerReady"),
      await call("ModelStatistics", toBinary(ModelStatisticsRequestSchema, unknown)),
      await call("RepositoryModelLoad"),
      await call("Nothing"),
    ].map(({ code, message, messages }) => ({ code, message, messages })));
  }
  assert.equal(replies[0][2].code, 3);
  assert.match(replies[0][2].message, /nöpe %/);
  assert.deepEqual(replies[1], replies[0]);
  assert.deepEqual(replies[2], replies[0]);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("threads refuse from the head of a request what the main thread would", async () => {
  const restrictedFeatures = new RestrictedFeatures();
  restrictedFeatures.createFeatureGroup("key", "secret", ["logging", "trace"]);
  await using http = await KServeHttp.start(server, { ...LOCAL, threads: 2, restrictedFeatures });
  const stay = await connections(http.port, 2);
  const heads = [
    "POST /v2/nothing",
    "POST /v2/logging",
    "DELETE /v2/systemsharedmemory/status",
    "POST /v2/models/echo/trace/setting",
  ];
  for (const head of heads) {
    const text = `${head} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n`;
    const parts = [new TextEncoder().encode(text)];
    const ask = async () => {
      const { answer, fault } = await exchange(http.port, parts, { limitMs: 10_000 });
      assert.equal(fault, undefined);
      return [answer?.status, answer && latin1(answer.body)];
    };
    // Both threads have as many connections, so this goes to the main one.
    const refusal = await ask();
    assert.ok([403, 404, 405].includes(Number(refusal[0])), JSON.stringify(refusal));
    const another = new KeepAliveHttp(http.port);
    await another.post("/v2/health/live", "");
    assert.deepEqual(await ask(), refusal);
    another.close();
  }
  for (const each of stay) each.close();
});

test("a region that threads use can be unregistered more than once", async () => {
  const options = { ...LOCAL, threads: 3, allowClientSharedMemory: true };
  await using http = await KServeHttp.start(server, options);
  const all = await connections(http.port, 3);
  const key = `/triton_ts_threads_${process.pid}`;
  makeSharedMemory(key, new Uint8Array(4));
  const region = JSON.stringify({ key, byte_size: 4 });
  const body = JSON.stringify({
    inputs: [{
      name: "INPUT0",
      datatype: "FP32",
      shape: [1],
      parameters: { shared_memory_region: "r", shared_memory_byte_size: 4 },
    }],
    parameters: { delay_us: 300_000 },
  });
  for (let round = 0; round < 3; round++) {
    const registered = await all[0].post("/v2/systemsharedmemory/region/r/register", region);
    assert.deepEqual(registered, { status: 200, body: "" });
    const running = [all[1].post(INFER, body), all[2].post(INFER, body)];
    for (let i = 0; i < 400 && server.liveCounters().requests < 2; i++) await sleep(5);
    for (let i = 0; i < 3; i++) {
      const left = await all[0].post("/v2/systemsharedmemory/unregister", "");
      assert.deepEqual(left, { status: 200, body: "" });
      assert.equal(server.liveCounters().mappings, 1);
    }
    for (const each of await Promise.all(running)) assert.equal(each.status, 200, each.body);
    for (let i = 0; i < 400 && server.liveCounters().mappings > 0; i++) await sleep(5);
    assert.equal(server.liveCounters().mappings, 0);
  }
  removeSharedMemory(key);
  for (const each of all) each.close();
});

test("inputs of all sizes reach the models of all threads", async () => {
  await using http = await KServeHttp.start(server, { ...LOCAL, threads: 2 });
  const all = await connections(http.port, 2);
  for (const count of [1, 1024, 1025, 10_000, 300_000]) {
    const data = Array.from({ length: count }, (_, index) => index % 1000);
    const body = JSON.stringify({
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [count], data }],
    });
    for (const each of all) {
      const answer = await each.post(INFER, body);
      assert.deepEqual(JSON.parse(answer.body).outputs[0].data, data);
    }
  }
  await assertNothingAlive(server);
  for (const each of all) each.close();
});

test("threads listen for TLS themselves", async () => {
  const folder = mkdtempSync(join(tmpdir(), "triton-threads-"));
  makeCertificates(folder, ["server"]);
  const file = (name: string) => join(folder, name);
  await using grpc = await KServeGrpc.start(server, {
    ...LOCAL,
    threads: 2,
    useSsl: true,
    serverCert: file("server.crt"),
    serverKey: file("server.key"),
  });
  const onSocket = {
    address: "unix:/tmp/triton.sock",
    threads: 2,
    useSsl: true,
    serverCert: file("server.crt"),
    serverKey: file("server.key"),
  };
  assert.throws(() => new KServeGrpc(server, onSocket), {
    name: "RangeError",
    message: "Cannot use 2 threads with TLS on a Unix domain socket: use 1, or a port",
  });
  const ca = readFileSync(file("ca.crt"), "utf8");
  const clients = Array.from({ length: 20 }, () => new RawGrpcClient(grpc.port, { ca }));
  const ends = await Promise.all(clients.map((client, index) => echoOverGrpc(client, index)));
  assert.deepEqual(ends, clients.map((_, index) => index));
  for (const client of clients) await client[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test("threads serve a Unix domain socket", async () => {
  const path = join(tmpdir(), `triton-threads-${process.pid}.sock`);
  await using grpc = await KServeGrpc.start(server, { address: `unix:${path}`, threads: 2 });
  assert.equal(grpc.address, `unix:${path}`);
  const clients = Array.from({ length: 6 }, () => new RawGrpcClient(path));
  const ends = await Promise.all(clients.map((client, index) => echoOverGrpc(client, index)));
  assert.deepEqual(ends, [0, 1, 2, 3, 4, 5]);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("front ends with threads start and stop again and again", async () => {
  for (let round = 0; round < 5; round++) {
    const http = await KServeHttp.start(server, { ...LOCAL, threads: 2 });
    const grpc = await KServeGrpc.start(server, { ...LOCAL, threads: 3 });
    const taken = { ...LOCAL, port: http.port, threads: 2 };
    await assert.rejects(KServeHttp.start(server, taken), { code: "UNAVAILABLE" });
    await assert.rejects(KServeGrpc.start(server, taken), { code: "UNAVAILABLE" });
    for (const each of await connections(http.port, 4)) each.close();
    await http.stop();
    await grpc.stop();
  }
});

test("what cannot be is refused", async () => {
  for (const threads of [0, 1.5, 129, NaN]) {
    const text = `Cannot serve with ${threads} threads: it is a whole number from 1 to 128`;
    assert.throws(() => new KServeHttp(server, { threads }), { name: "RangeError", message: text });
    assert.throws(() => new KServeGrpc(server, { threads }), { name: "RangeError", message: text });
  }
  assert.throws(() => new KServeGrpc(server, { threads: 2, transport: "node" }), {
    name: "RangeError",
    message: 'Cannot use 2 threads with transport "node": use "h2"',
  });
  await assert.rejects(KServeHttp.start(new FakeEngine({}), { ...LOCAL, threads: 2 }), {
    code: "UNSUPPORTED",
    message: "Cannot serve with 2 threads: the engine has no threads of its own; use 1",
  });
});

test("servers follow one another, and leave no thread behind", async () => {
  const threads = () => readdirSync("/proc/self/task").length;
  let first = 0;
  for (let round = 0; round < 4; round++) {
    {
      await using next = await startEcho();
      await using http = await KServeHttp.start(next, { ...LOCAL, threads: 3 });
      for (const each of await connections(http.port, 3)) each.close();
    }
    // What the first has begun stays for the others: the bridge's two threads that wait for event loops.
    await sleep(500);
    first ||= threads();
    for (let i = 0; i < 100 && threads() > first; i++) await sleep(50);
    assert.ok(threads() <= first, `${threads()} threads, ${first} before`);
  }
});

test("the server stops with its threads", async () => {
  const http = await KServeHttp.start(server, { ...LOCAL, threads: 3 });
  const all = await connections(http.port, 3);
  await server.stop();
  for (const each of all) assert.equal((await each.post(INFER, httpEchoBody(1))).status, 0);
  assert.equal(server.liveCounters().requests, 0);
});
