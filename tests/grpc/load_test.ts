/**
 * Large messages, many streams, many connections, and readers that are slower than models: everything
 * arrives, in order, and memory has a bound.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { before, test } from "node:test";
import { KServeGrpc, type Server } from "../../mod.ts";
import { skippedOnNode, TRANSPORT } from "../support/grpc_transport.ts";
import { type H2Call, H2Client } from "../support/h2_client.ts";
import {
  INFER,
  inferBytes,
  readInfer,
  readStream,
  STREAM_INFER,
} from "../support/infer_messages.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";

const SLOW = { timeout: 180_000 };
const MESSAGE_SIZE = 64 << 20;
const STREAMS = 1000;
const REQUESTS = 5;
const RESPONSES = 3;
const CONNECTIONS = 300;
/** What a reader asks for and does not read at first. */
const MANY = 512;
const MIB_OF_FLOATS = (1 << 20) / 4;
/** What the server may keep of it: 64 MiB in the front end, 16 MiB on their way there, and what was in flight. */
const KEPT_RESPONSES = 110;
/** The same with a pool of four: those, and 16 MiB on their way. */
const KEPT_WITH_POOL = 30;
const MEMORY_BOUND = 300 << 20;
const SILENCE_MS = 10_000;
const SHORT_SILENCE_MS = 3000;

let server: Server;
let grpc: KServeGrpc;

before(async () => {
  server = await startEcho();
  grpc = await KServeGrpc.start(server, { address: "127.0.0.1", port: 0, transport: TRANSPORT });
});

/** Numbers that no other call sends. */
function numbersOf(key: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => key + index % 1000);
}

function assertSame(actual: Uint8Array, expected: Float32Array): void {
  const bytes = new Uint8Array(expected.buffer);
  assert.equal(actual.length, bytes.length);
  assert.ok(actual.every((byte, index) => byte === bytes[index]), "the tensor has changed");
}

async function assertServes(client: H2Client): Promise<void> {
  const { code, messages } = await client.unary(INFER, inferBytes({ model: "echo", id: "beside" }));
  assert.deepEqual([code, readInfer(messages[0]).id], [0, "beside"]);
}

/** A stream that asks for more than it reads. */
interface Reader {
  readonly call: H2Call;
  /** The indices of the responses that came. */
  readonly indices: number[];
}

/** Asks for many responses and resolves when the first is there. */
async function askForMany(client: H2Client): Promise<Reader> {
  const indices: number[] = [];
  let onFirst = () => {};
  const first = new Promise<void>((resolve) => onFirst = resolve);
  const call = client.call(STREAM_INFER, {
    onMessage: (message) => {
      const { data, numbers } = readStream(message);
      assert.equal(data.length, 1 << 20);
      indices.push(numbers.index);
      onFirst();
    },
  });
  const data = new Float32Array(MIB_OF_FLOATS);
  const parameters = { responses: MANY, with_parameters: 1 };
  call.send(inferBytes({ model: "echo_stream", data, parameters }), true);
  await first;
  return { call, indices };
}

/** Calls `serve` for a while; resolves to the most memory in use meanwhile, beyond `before`. */
async function growth(before: number, ms: number, serve: () => Promise<void>): Promise<number> {
  let most = 0;
  for (const end = Date.now() + ms; Date.now() < end;) {
    await serve();
    most = Math.max(most, process.memoryUsage().rss - before);
    await sleep(20);
  }
  return most;
}

function assertBounded(grown: number): void {
  const { requests, buffers } = server.liveCounters();
  console.log(`${grown >> 20} MiB and ${buffers} responses for a reader that does not read`);
  assert.equal(requests, 1);
  assert.ok(buffers < KEPT_RESPONSES, `${buffers} of ${MANY} responses wait`);
  assert.ok(grown < MEMORY_BOUND, `${grown >> 20} MiB of ${MANY} MiB are kept`);
}

async function assertReadsRest({ call, indices }: Reader): Promise<void> {
  assert.ok(indices.length < MANY / 2, `${indices.length} of ${MANY} came before they were read`);
  assert.deepEqual(await call.end, { code: 0, message: "" });
  assert.deepEqual(indices, Array.from({ length: MANY }, (_, index) => index + 1));
  await assertNothingAlive(server);
}

test("a stream that is not read holds its model up, and nothing else", SLOW, async () => {
  await using client = await H2Client.open(grpc.port);
  await using other = await H2Client.open(grpc.port);
  const before = process.memoryUsage().rss;
  const reader = await askForMany(client);
  reader.call.read(false);
  const grown = await growth(before, SILENCE_MS, async () => {
    await assertServes(client);
    await assertServes(other);
  });
  assertBounded(grown);
  reader.call.read(true);
  await assertReadsRest(reader);
});

const skip = skippedOnNode("node:http2 of Deno keeps what a connection does not read", "Deno");
test(
  "a connection that is not read holds its model up, and nothing else",
  { ...SLOW, skip },
  async () => {
    await using client = await H2Client.open(grpc.port, 1 << 30);
    await using other = await H2Client.open(grpc.port);
    const before = process.memoryUsage().rss;
    const reader = await askForMany(client);
    client.pause(true);
    const grown = await growth(before, SHORT_SILENCE_MS, () => assertServes(other));
    assertBounded(grown);
    client.pause(false);
    await assertReadsRest(reader);
  },
);

test("maxResponsePoolSize holds a model up with a few responses", SLOW, async () => {
  await using few = await KServeGrpc.start(server, {
    address: "127.0.0.1",
    port: 0,
    transport: TRANSPORT,
    maxResponsePoolSize: 4,
  });
  await using client = await H2Client.open(few.port);
  const reader = await askForMany(client);
  reader.call.read(false);
  await sleep(SHORT_SILENCE_MS);
  const { buffers } = server.liveCounters();
  assert.ok(buffers < KEPT_WITH_POOL, `${buffers} of ${MANY} responses wait`);
  reader.call.read(true);
  await assertReadsRest(reader);
});

test("a stream that is not read and is cancelled ends its inference", SLOW, async () => {
  await using client = await H2Client.open(grpc.port);
  const reader = await askForMany(client);
  reader.call.read(false);
  await sleep(500);
  assert.equal(server.liveCounters().requests, 1);
  reader.call.cancel();
  await assertNothingAlive(server);
  await assertServes(client);
});

test("messages of 64 MiB go in and out, alone and on a stream", SLOW, async () => {
  await using client = await H2Client.open(grpc.port);
  const data = numbersOf(5, MESSAGE_SIZE / 4);
  const request = inferBytes({ model: "echo", data });
  const { code, messages } = await client.unary(INFER, request);
  assert.equal(code, 0);
  assertSame(readInfer(messages[0]).data, data);
  const stream = client.call(STREAM_INFER);
  stream.send(request);
  stream.send(request, true);
  assert.equal((await stream.end).code, 0);
  assert.equal(stream.count, 2);
  for (const message of stream.messages) assertSame(readStream(message).data, data);
});

/** Sends the requests of a stream; the models take turns. */
function ask(stream: H2Call, key: number): void {
  for (let index = 0; index < REQUESTS; index++) {
    const isDecoupled = index % 2 === 0;
    const request = inferBytes({
      model: isDecoupled ? "echo_stream" : "echo",
      id: `${key}-${index}`,
      data: numbersOf(key * REQUESTS + index, 50),
      parameters: isDecoupled ? { responses: RESPONSES, with_parameters: 1 } : {},
    });
    stream.send(request, index === REQUESTS - 1);
  }
}

/** Fails unless each request of a stream got what it asked for, in order. */
async function assertAnswered(stream: H2Call, key: number): Promise<void> {
  const end = await stream.end;
  assert.deepEqual(end, { code: 0, message: "" });
  const answers = stream.messages.map(readStream);
  for (let index = 0; index < REQUESTS; index++) {
    const own = answers.filter(({ id }) => id === `${key}-${index}`);
    const isDecoupled = index % 2 === 0;
    assert.deepEqual(
      own.map(({ numbers }) => numbers.index),
      isDecoupled ? Array.from({ length: RESPONSES }, (_, at) => at + 1) : [undefined],
    );
    for (const { data } of own) assertSame(data, numbersOf(key * REQUESTS + index, 50));
  }
  // Models that are not decoupled answer in the order of their requests.
  const plain = answers.map(({ id }) => Number(id.split("-")[1])).filter((index) => index % 2);
  assert.deepEqual(plain, [1, 3]);
}

test(`${STREAMS} streams at once on a connection are served`, SLOW, async () => {
  await using client = await H2Client.open(grpc.port);
  const streams = Array.from({ length: STREAMS }, () => client.call(STREAM_INFER));
  for (const [key, stream] of streams.entries()) ask(stream, key);
  await Promise.all(streams.map(assertAnswered));
  await assertNothingAlive(server);
});

test(`${CONNECTIONS} connections at once are served`, SLOW, async () => {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => H2Client.open(grpc.port)),
  );
  await Promise.all(clients.map(async (client, key) => {
    const stream = client.call(STREAM_INFER);
    ask(stream, key);
    const data = numbersOf(key, 200);
    const { code, messages } = await client.unary(INFER, inferBytes({ model: "echo", data }));
    assert.equal(code, 0);
    assertSame(readInfer(messages[0]).data, data);
    await assertAnswered(stream, key);
  }));
  // Every connection is still there.
  await Promise.all(clients.map((client) => assertServes(client)));
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await assertNothingAlive(server);
});

test("streams that are not read do not keep the server from stopping", SLOW, async () => {
  const client = await H2Client.open(grpc.port);
  const reader = await askForMany(client);
  reader.call.read(false);
  const started = Date.now();
  await grpc.stop({ graceMs: 200 });
  assert.ok(Date.now() - started < 20_000, `took ${Date.now() - started} ms`);
  await client[Symbol.asyncDispose]();
  await assertNothingAlive(server);
  await server.stop();
});
