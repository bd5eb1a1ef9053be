/**
 * Calls that are cancelled, by the thousands and in every way: every inference that has not finished is
 * cancelled.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeGrpc, type Server } from "../../mod.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { type CallEnd, CANCEL, H2Client } from "../support/h2_client.ts";
import { INFER, inferBytes, readInfer, STREAM_INFER } from "../support/infer_messages.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";

/** Of each kind. */
const CALLS = 5000;
const AT_ONCE = 50;
/** How long the model would run when it were not cancelled. */
const RUN_MS = 3000;
/** A sixth of what the calls of a kind would take without cancellation; they take some seconds. */
const LIMIT_MS = CALLS / AT_ONCE * RUN_MS / 6;
/** A request may be cancelled before its model has begun with it, or be lost with its connection. */
const LEAST_BEGUN = CALLS * 0.7;
/** A connection may not reset any number of streams. */
const CALLS_PER_CONNECTION = 100;
/** For whatever a client waits for. */
const PATIENCE_MS = 20_000;
const SLOW = { timeout: 200_000 };

const DELAYS = [0, 1, 5, 20];
const DEADLINES = [1, 10, 40, 80];

let server: Server;
let grpc: KServeGrpc;

before(async () => {
  server = await startEcho({ modelControlMode: "explicit", startupModels: [] });
  // As many instances as calls at once: none waits for another.
  await Promise.all(["echo", "echo_stream"].map((model) => loadWide(model)));
  const local = { address: "127.0.0.1", port: 0 };
  grpc = await KServeGrpc.start(server, { ...local, transport: TRANSPORT, threads: THREADS });
  await occupyMainThread("grpc", grpc.port);
});

/** Loads a model with an instance for each of the calls at once. */
async function loadWide(model: string): Promise<void> {
  await server.model(model).load();
  const config = server.model(model).config();
  config.instance_group = [{ kind: "KIND_CPU", count: AT_ONCE + 10 }];
  await server.model(model).load({ config: JSON.stringify(config) });
}

/** A call to break off. */
interface Broken {
  readonly path: string;
  readonly request: Uint8Array;
  readonly how: "cancel" | "reset" | "end" | "deadline";
  /** After so many responses have come; 0 for not waiting for any. */
  readonly afterResponses: number;
  /** Milliseconds that the client waits then; with a deadline, the deadline. */
  readonly delayMs: number;
}

/** What went wrong with a call that was broken off; undefined when nothing did. */
async function breakOff(client: H2Client, broken: Broken): Promise<string | undefined> {
  const { path, request, how, afterResponses, delayMs } = broken;
  let onEnough = () => {};
  const enough = new Promise<void>((resolve) => onEnough = resolve);
  const call = client.call(path, {
    headers: how === "deadline" ? { "grpc-timeout": `${delayMs}m` } : {},
    onMessage: (_, { count }) => {
      if (count === afterResponses) onEnough();
    },
  });
  call.send(request, path === INFER);
  if (how === "deadline") {
    const end = await inTime(call.end);
    return isLate(end) ? undefined : `the deadline ended with ${JSON.stringify(end)}`;
  }
  if (afterResponses > 0 && await inTime(enough) === LATE) return "the stream did not begin";
  if (delayMs > 0) await sleep(delayMs);
  if (how === "cancel") {
    call.cancel();
    return undefined;
  }
  client.leave(how);
  return await inTime(client.closed) === LATE ? "the connection was left open" : undefined;
}

/** The `node:http2` of Bun ends a stream that it should reset with an empty frame. */
const LACKS_RESETS = TRANSPORT === "node" && "Bun" in globalThis;

/** A status, or a reset where it would have had to wait behind what the client did not read. */
function isLate(end: CallEnd | typeof LATE): boolean {
  return end !== LATE && (end.code === 4 || end.reset === CANCEL || LACKS_RESETS);
}

const LATE = Symbol("late");

async function inTime<T>(promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Breaks off `CALLS` calls, some at once; returns what went wrong. */
async function breakMany(callOf: (index: number) => Broken): Promise<string[]> {
  const faults: string[] = [];
  let begun = 0;
  const worker = async () => {
    let client = await H2Client.open(grpc.port);
    for (let used = 1; begun < CALLS; used++) {
      const broken = callOf(begun++);
      const fault = await breakOff(client, broken);
      if (fault !== undefined) faults.push(`${broken.how}: ${fault}`);
      if (client.goAway !== undefined) faults.push(`GOAWAY ${client.goAway}`);
      const isGone = broken.how === "reset" || broken.how === "end";
      if (!isGone && used % CALLS_PER_CONNECTION !== 0) continue;
      if (broken.how !== "reset") await client[Symbol.asyncDispose]();
      client = await H2Client.open(grpc.port);
    }
    await client[Symbol.asyncDispose]();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return faults;
}

/** Every way of breaking off in turn. */
function ways(index: number): Pick<Broken, "how" | "delayMs"> {
  const how = (["cancel", "reset", "end", "deadline"] as const)[index % 4];
  const round = index >> 2;
  return { how, delayMs: (how === "deadline" ? DEADLINES : DELAYS)[round % 4] };
}

interface Report {
  begun: number;
  finished: number;
  cancelled: number;
}

/** How many requests the models have begun, and how they ended. */
async function report(): Promise<Report> {
  await using client = await H2Client.open(grpc.port);
  const request = inferBytes({ model: "echo", parameters: { report: 1 } });
  const { code, messages } = await client.unary(INFER, request);
  assert.equal(code, 0);
  return readInfer(messages[0]).numbers as unknown as Report;
}

/** Fails unless every request that a model has begun since `before` is over, cancelled before its end. */
async function assertAllCancelled(before: Report): Promise<void> {
  await assertNothingAlive(server);
  const after = await report();
  const begun = after.begun - before.begun;
  assert.ok(begun >= LEAST_BEGUN, `only ${begun} of ${CALLS} requests reached the model`);
  assert.equal(after.finished - before.finished, 0);
  assert.equal(after.cancelled - before.cancelled, begun);
}

test(`${CALLS} broken calls of ModelInfer are cancelled`, SLOW, async () => {
  const before = await report();
  const started = Date.now();
  const request = inferBytes({ model: "echo", parameters: { delay_us: RUN_MS * 1000 } });
  const faults = await breakMany((index) => ({
    path: INFER,
    request,
    afterResponses: 0,
    ...ways(index),
  }));
  assert.deepEqual(faults, []);
  await assertAllCancelled(before);
  assert.ok(Date.now() - started < LIMIT_MS, `took ${Date.now() - started} ms`);
});

test(
  `${CALLS} broken streams are cancelled, before their first response and later`,
  SLOW,
  async () => {
    const before = await report();
    const started = Date.now();
    // Half of them would answer once, at the end; half of them all the time.
    const silent = { delay_us: RUN_MS * 1000 };
    const talking = { responses: RUN_MS / 3, delay_us: 3000 };
    const requests = [silent, talking].map((parameters) =>
      inferBytes({ model: "echo_stream", parameters })
    );
    const faults = await breakMany((index) => {
      const isTalking = (index >> 4) % 2 === 1;
      return {
        path: STREAM_INFER,
        request: requests[isTalking ? 1 : 0],
        afterResponses: isTalking ? 1 + (index >> 5) % 4 : 0,
        ...ways(index),
      };
    });
    assert.deepEqual(faults, []);
    await assertAllCancelled(before);
    assert.ok(Date.now() - started < LIMIT_MS, `took ${Date.now() - started} ms`);
  },
);

test("after the broken calls nothing is pending, and the server answers", async () => {
  const metrics = new TextDecoder().decode(server.metricsText());
  const samples = [...metrics.matchAll(/^nv_inference_pending_request_count\{.*\} (\d+)$/gm)];
  assert.deepEqual(samples.map(([, count]) => count), ["0", "0"]);
  const client = await H2Client.open(grpc.port);
  const { code, messages } = await client.unary(INFER, inferBytes({ model: "echo", id: "good" }));
  assert.deepEqual([code, readInfer(messages[0]).id], [0, "good"]);
  await client[Symbol.asyncDispose]();
  await assertNothingAlive(server);
  await server.stop();
});
