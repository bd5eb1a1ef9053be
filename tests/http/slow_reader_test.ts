/** Clients that ask for more than they read: the server keeps little of it, and serves the others. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { before, test } from "node:test";
import { KServeHttp, type Server } from "../../mod.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { exchange, latin1, request } from "../support/wire.ts";

const RESPONSES = 2000;
const ELEMENTS = 65_536;
/** What the responses would take as tensors; as JSON it is about as much. */
const WHOLE = RESPONSES * ELEMENTS * 4;
/** What the server may keep of it: what waits for the client, and what the runtime takes for each event. */
const MEMORY_BOUND = WHOLE / 4;
/** For that long nobody reads. The model would have made everything by then. */
const SILENCE_MS = 6000;
const SLOW = { timeout: 180_000 };

let server: Server;
let http: KServeHttp;

before(async () => {
  server = await startEcho();
  http = await KServeHttp.start(server, { address: "127.0.0.1", port: 0, threads: THREADS });
  await occupyMainThread("http", http.port);
});

const STREAM = request({
  method: "POST",
  target: "/v2/models/echo_stream/generate_stream",
  body: `{"INPUT0":[${
    Array(ELEMENTS).fill(1).join()
  }],"responses":${RESPONSES},"with_parameters":1}`,
});
const ONE = request({
  method: "POST",
  target: "/v2/models/echo/generate",
  body: '{"INPUT0":[1]}',
});

/** Asks for the stream and stops reading when it has begun. */
function askAndPause(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(http.port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("connect", () => socket.write(STREAM));
    socket.once("data", () => {
      socket.pause();
      resolve(socket);
    });
  });
}

/** Watches for a while; resolves to the most memory in use meanwhile, besides what was in use before. */
async function growthWhileNobodyReads(before: number): Promise<number> {
  let most = 0;
  for (const end = Date.now() + SILENCE_MS; Date.now() < end;) {
    most = Math.max(most, process.memoryUsage().rss - before);
    await sleep(50);
  }
  return most;
}

async function assertServes(): Promise<void> {
  const { answer } = await exchange(http.port, [ONE]);
  assert.equal(answer?.status, 200);
}

/** The indices of the events that come until the stream ends. */
function readRest(socket: Socket): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const indices: number[] = [];
    let tail = "";
    socket.on("data", (data: Uint8Array) => {
      const text = tail + latin1(data);
      // An index may be cut in two.
      const whole = text.lastIndexOf("}");
      for (const [, index] of text.slice(0, whole + 1).matchAll(/"index":(\d+)/g)) {
        indices.push(Number(index));
      }
      tail = text.slice(whole + 1).slice(-200);
      if (text.endsWith("0\r\n\r\n")) resolve(indices);
    });
    socket.on("close", () => reject(new Error(`closed after ${indices.length} events`)));
    socket.resume();
  });
}

test("a client that does not read holds its model up", SLOW, async () => {
  await assertServes();
  const before = process.memoryUsage().rss;
  const socket = await askAndPause();
  const growth = await growthWhileNobodyReads(before);
  await assertServes();
  assert.ok(growth < MEMORY_BOUND, `${growth >> 20} MiB of ${WHOLE >> 20} MiB are kept`);
  assert.equal(server.liveCounters().requests, 1);
  // Then it reads, and has missed nothing but what came before the pause.
  const indices = await readRest(socket);
  socket.destroy();
  assert.equal(indices.at(-1), RESPONSES);
  assert.ok(indices.every((index, at) => index === indices[0] + at), "events are missing");
  assert.ok(indices[0] <= 3);
  await assertNothingAlive(server);
});

test("a client that does not read and goes away ends its inference", SLOW, async () => {
  const socket = await askAndPause();
  await sleep(500);
  socket.destroy();
  await assertNothingAlive(server);
  await assertServes();
});

test("clients that do not read do not keep the server from stopping", SLOW, async () => {
  const socket = await askAndPause();
  const started = Date.now();
  await http.stop({ graceMs: 200 });
  assert.ok(Date.now() - started < 10_000, `took ${Date.now() - started} ms`);
  socket.destroy();
  await assertNothingAlive(server);
  await server.stop();
});
