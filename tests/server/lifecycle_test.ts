/**
 * The life of servers and front ends on the real library: every order of starting and stopping, alone
 * and beside others.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { before, test } from "node:test";
import { KServeGrpc, KServeHttp, Metrics, Server, type ServerOptions } from "../../mod.ts";
import { echoInProcess, echoOverGrpc, echoOverHttp } from "../support/echo_clients.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { assertNothingAlive, echoOptions, sleep, startEcho } from "../support/real_server.ts";
import { isError } from "../support/triton_error.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };
const STOPPED = { status: "UNAVAILABLE", message: "Server not ready" };

let options: ServerOptions;

before(async () => {
  options = await echoOptions();
});

async function startFrontEnds(server: Server) {
  const http = await KServeHttp.start(server, LOCAL);
  const grpc = await KServeGrpc.start(server, LOCAL);
  const metrics = await Metrics.start(server, LOCAL);
  return { http, grpc, metrics, all: [http, grpc, metrics] };
}

type FrontEnds = Awaited<ReturnType<typeof startFrontEnds>>;

async function assertServing({ http, grpc, metrics }: FrontEnds): Promise<void> {
  assert.equal(await echoOverHttp(http.port, 1), 1);
  await using client = new RawGrpcClient(grpc.port);
  assert.equal(await echoOverGrpc(client, 2), 2);
  const text = await (await fetch(`http://${metrics.address}/metrics`)).text();
  assert.match(text, /nv_inference_count\{model="echo"/);
}

async function assertRefusing(ports: readonly number[]): Promise<void> {
  for (const port of ports) await assert.rejects(fetch(`http://127.0.0.1:${port}/v2`));
}

test("a server starts once and stops any number of times", async () => {
  const server = new Server(options);
  await assert.rejects(server.stop(), isError("UNAVAILABLE", "Server not started"));
  await server[Symbol.asyncDispose]();
  const started = server.start();
  const again = isError("ALREADY_EXISTS", /^Server already started/);
  await assert.rejects(server.start(), again);
  assert.equal(await started, server);
  await assert.rejects(server.start(), again);
  assert.equal(server.running, true);
  await Promise.all([server.stop(), server.stop(), server[Symbol.asyncDispose]()]);
  assert.equal(server.running, false);
  await server.stop();
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await assert.rejects(server.start(), again);
});

test("a stopped server refuses everything", async () => {
  const server = await Server.start(options);
  const model = server.model("echo");
  await server.stop();
  assert.deepEqual(await echoInProcess(server, 1), STOPPED);
  const refused = isError("UNAVAILABLE", "Server not ready");
  const calls = [
    ...[() => model.ready(), () => model.metadata(), () => model.config(), () => server.metadata()],
    ...[() => model.statistics(), () => server.metricsText()],
  ];
  for (const call of calls) assert.throws(call, refused);
  assert.throws(() => server.isLive(), isError("UNAVAILABLE", "Server exiting"));
  assert.throws(() => server.isReady(), isError("UNAVAILABLE", "Server exiting"));
  for (const call of [() => server.models(), () => model.load(), () => model.unload()]) {
    await assert.rejects(call, refused);
  }
  for (const FrontEnd of [KServeHttp, KServeGrpc, Metrics]) {
    await assert.rejects(FrontEnd.start(server, LOCAL), refused);
  }
});

test("requests that came before a stop are answered, later ones refused", async () => {
  const server = await Server.start(options);
  const running = echoInProcess(server, 7, 300_000);
  const stopped = server.stop();
  assert.deepEqual(await echoInProcess(server, 8), STOPPED);
  assert.equal(await running, 7);
  await stopped;
});

test("disposing a server stops its front ends", async () => {
  let frontEnds: FrontEnds;
  {
    await using server = await Server.start(options);
    frontEnds = await startFrontEnds(server);
    await assertServing(frontEnds);
  }
  await assertRefusing(frontEnds.all.map(({ port }) => port));
  for (const frontEnd of frontEnds.all) {
    await assert.rejects(frontEnd.stop(), isError("UNAVAILABLE", /server is not running\.$/));
    await frontEnd[Symbol.asyncDispose]();
    await assert.rejects(frontEnd.start(), isError("UNAVAILABLE", "Server not ready"));
  }
});

test("front ends stop before their server, or at the same time", async () => {
  for (const together of [false, true]) {
    const server = await Server.start(options);
    const frontEnds = await startFrontEnds(server);
    await assertServing(frontEnds);
    const ports = frontEnds.all.map(({ port }) => port);
    const stops = frontEnds.all.map((frontEnd) => frontEnd.stop());
    if (!together) await Promise.all(stops);
    await Promise.all([...stops, server.stop()]);
    await assertRefusing(ports);
  }
});

test("front ends start, stop and start again, and start only once", async () => {
  await using server = await Server.start(options);
  const frontEnds = await startFrontEnds(server);
  const ports = frontEnds.all.map(({ port }) => port);
  for (let i = 0; i < 3; i++) {
    await assertServing(frontEnds);
    for (const frontEnd of frontEnds.all) {
      const running = isError("ALREADY_EXISTS", /server is already running\.$/);
      await assert.rejects(frontEnd.start(), running);
      await frontEnd.stop();
      await assert.rejects(frontEnd.stop(), isError("UNAVAILABLE", /server is not running\.$/));
    }
    if (i === 0) await assertRefusing(ports);
    for (const frontEnd of frontEnds.all) await frontEnd.start();
  }
  await assertServing(frontEnds);
});

test("a taken port is refused by name, and the server goes on", async () => {
  await using server = await Server.start(options);
  const frontEnds = await startFrontEnds(server);
  for (const FrontEnd of [KServeHttp, KServeGrpc, Metrics]) {
    for (const { port } of [frontEnds.http, frontEnds.grpc]) {
      const taken = isError("UNAVAILABLE", `Socket '127.0.0.1:${port}' already in use `);
      await assert.rejects(FrontEnd.start(server, { address: "127.0.0.1", port }), taken);
    }
  }
  await assertServing(frontEnds);
});

test("a stop whose time is up says so and cancels what still runs", async () => {
  await using other = await Server.start(options);
  const server = await Server.start({ ...options, exitTimeout: 1 });
  const { http } = await startFrontEnds(server);
  const overHttp = echoOverHttp(http.port, 1, 60_000_000);
  const inProcess = echoInProcess(server, 1, 60_000_000);
  for (let i = 0; i < 200 && server.liveCounters().requests < 2; i++) await sleep(25);
  const timedOut = isError("INTERNAL", "Exit timeout expired. Exiting immediately.");
  await assert.rejects(server.stop(), timedOut);
  await assert.rejects(server.stop(), timedOut);
  assert.deepEqual(await overHttp, {
    status: 503,
    message: '{"error":"HTTP server is stopping."}',
  });
  assert.deepEqual(await inProcess, { status: "CANCELLED", message: "echo was cancelled" });
  assert.deepEqual(await echoInProcess(server, 1), STOPPED);
  await server[Symbol.asyncDispose]();
  await assertNothingAlive(other);
  assert.equal(await echoInProcess(other, 2), 2);
});

test("a server stops while another one infers", async () => {
  await using one = await Server.start(options);
  const frontEnds = await startFrontEnds(one);
  const two = await Server.start({ ...options, serverId: "two" });
  assert.deepEqual([one.metadata().name, two.metadata().name], ["triton", "two"]);
  assert.deepEqual(await Promise.all([echoInProcess(one, 1), echoInProcess(two, 2)]), [1, 2]);
  let stopping = true;
  const stopped = two.stop().then(() => stopping = false);
  let count = 0;
  for (; stopping; count++) assert.equal(await echoInProcess(one, count), count);
  await stopped;
  assert.ok(count > 0);
  assert.deepEqual(await echoInProcess(two, 1), STOPPED);
  await assertServing(frontEnds);
});

test("a client that says nothing does not hold a stop up", async () => {
  const server = await startEcho({ exitTimeout: 2 });
  const { http, grpc } = await startFrontEnds(server);
  const sockets = [http, grpc].map(({ port }) => connect(port, "127.0.0.1").on("error", () => {}));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  await server.stop();
  for (const socket of sockets) socket.destroy();
});

test("an exit timeout that is no number of seconds is refused", () => {
  for (const exitTimeout of [-1, 0.5, Infinity, 2 ** 32]) {
    assert.throws(() => new Server({ ...options, exitTimeout }), /Cannot use exitTimeout/);
  }
});

test("a stop waits for a start that is under way", async () => {
  const early = new Server(options);
  await assert.rejects(early.stop(), { code: "UNAVAILABLE", message: "Server not started" });
  const starting = early.start();
  await early.stop();
  await starting;
  assert.equal(early.running, false);

  const late = await startEcho();
  const grpc = new KServeGrpc(late, LOCAL);
  await Promise.all([grpc.start(), late.stop()]);
  await assert.rejects(grpc.stop(), { code: "UNAVAILABLE" });

  const failing = new Server({ ...options, modelRepository: "/nonexistent" });
  await assert.rejects(failing.start(), /failed to stat/);
  await failing.stop();
});

test("nothing is left alive after all of that", async () => {
  const server = await startEcho();
  await assertNothingAlive(server);
  await server.stop();
});
