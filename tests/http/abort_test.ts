/** Clients that go away, by the thousands: every inference that has not finished is cancelled. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeHttp, type Server } from "../../mod.ts";
import { type Abort, sendAndAbort } from "../support/abort_client.ts";
import { assertNothingAlive, sleep, startEcho, startGolden } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { exchange, latin1, request } from "../support/wire.ts";

/** Of each kind. */
const ABORTS = 5000;
const AT_ONCE = 50;
/** How long the model would run when it were not cancelled. */
const RUN_MS = 3000;
/** A sixth of what the requests of a kind would take without cancellation; they take some seconds. */
const LIMIT_MS = ABORTS / AT_ONCE * RUN_MS / 6;
/** A request that is reset at once may never reach its model, as the system drops what was not read. */
const LEAST_BEGUN = ABORTS * 0.8;

const LOCAL = { address: "127.0.0.1", port: 0, threads: THREADS };
const SLOW = { timeout: 200_000 };

let server: Server;
let http: KServeHttp;

before(async () => {
  server = await startEcho({ modelControlMode: "explicit", startupModels: [] });
  // As many instances as requests at once: none waits for another.
  await Promise.all(["echo", "echo_stream"].map((model) => loadWide(model)));
  http = await KServeHttp.start(server, LOCAL);
  await occupyMainThread("http", http.port);
});

/** Loads a model with an instance for each of the requests at once. */
async function loadWide(model: string): Promise<void> {
  await server.model(model).load();
  const config = server.model(model).config();
  config.instance_group = [{ kind: "KIND_CPU", count: AT_ONCE + 10 }];
  await server.model(model).load({ config: JSON.stringify(config) });
}

function post(target: string, body: unknown): Uint8Array {
  return request({ method: "POST", target, body: JSON.stringify(body) });
}

function inferRequest(model: string, parameters: Record<string, number>): Uint8Array {
  const input = { name: "INPUT0", datatype: "FP32", shape: [1], data: [1] };
  return post(`/v2/models/${model}/infer`, { inputs: [input], parameters });
}

/** How many requests the models have begun, and how they ended. */
async function report(): Promise<{ begun: number; finished: number; cancelled: number }> {
  const { answer } = await exchange(http.port, [inferRequest("echo", { report: 1 })]);
  assert.equal(answer?.status, 200);
  return JSON.parse(latin1(answer.body)).parameters;
}

/** Runs `count` tasks, some at once; resolves to what they resolve to. */
async function runMany<T>(count: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < count) results.push(await task(begun++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** Every way of going away in turn. */
function abortOf(index: number, afterEvents: number): Abort {
  const how = index % 2 === 0 ? "reset" : "end";
  return { how, afterEvents, delayMs: [0, 1, 5, 20][(index >> 1) % 4] };
}

/** Fails unless every request that a model has begun since `before` is over, cancelled before its end. */
async function assertAllCancelled(
  before: { begun: number; finished: number; cancelled: number },
): Promise<void> {
  await assertNothingAlive(server);
  const after = await report();
  const begun = after.begun - before.begun;
  assert.ok(begun >= LEAST_BEGUN, `only ${begun} of ${ABORTS} requests reached the model`);
  assert.equal(after.finished - before.finished, 0);
  assert.equal(after.cancelled - before.cancelled, begun);
}

test(`${ABORTS} aborted inferences are cancelled`, SLOW, async () => {
  const before = await report();
  const started = Date.now();
  const body = inferRequest("echo", { delay_us: RUN_MS * 1000 });
  const aborted = await runMany(
    ABORTS,
    (index) => sendAndAbort(http.port, body, abortOf(index, 0)),
  );
  await assertAllCancelled(before);
  assert.ok(aborted.every(({ closed }) => closed), "a connection was left open");
  assert.ok(Date.now() - started < LIMIT_MS, `took ${Date.now() - started} ms`);
});

test(
  `${ABORTS} aborted streams are cancelled, before their first response and later`,
  SLOW,
  async () => {
    const before = await report();
    const started = Date.now();
    const target = "/v2/models/echo_stream/generate_stream";
    // Half of them would answer once, at the end; half of them all the time.
    const silent = post(target, { INPUT0: [1], delay_us: RUN_MS * 1000 });
    const talking = post(target, { INPUT0: [1], responses: RUN_MS / 3, delay_us: 3000 });
    const aborted = await runMany(ABORTS, (index) => {
      const afterEvents = (index >> 3) % 2 === 0 ? 0 : 1 + (index >> 4) % 4;
      const body = afterEvents === 0 ? silent : talking;
      return sendAndAbort(http.port, body, abortOf(index, afterEvents));
    });
    await assertAllCancelled(before);
    assert.ok(aborted.every(({ closed }) => closed), "a connection was left open");
    assert.ok(aborted.every(({ isInTime }) => isInTime), "a stream did not begin");
    assert.ok(Date.now() - started < LIMIT_MS, `took ${Date.now() - started} ms`);
  },
);

test("after the aborts nothing is pending, and the server answers", async () => {
  assert.equal(pending(server), 0);
  const { answer } = await exchange(http.port, [inferRequest("echo", {})]);
  assert.equal(answer?.status, 200);
  assert.deepEqual(JSON.parse(latin1(answer.body)).outputs[0].data, [1]);
  await assertNothingAlive(server);
  await server.stop();
});

/** The requests that wait for a model or run in it, of all models. */
function pending(server: Server): number {
  const text = new TextDecoder().decode(server.metricsText());
  const samples = [...text.matchAll(/^nv_inference_pending_request_count\{.*\} (\d+)$/gm)];
  assert.notEqual(samples.length, 0);
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
}

test("50 aborted requests of Python models are cancelled", SLOW, async () => {
  await using golden = await startGolden(["llm_dec", "slow"]);
  await using front = await KServeHttp.start(golden, LOCAL);
  const started = Date.now();
  // One after the other, as the models have one instance each.
  for (let index = 0; index < 25; index++) {
    const inputs = [{ name: "SECONDS", datatype: "FP32", shape: [1, 1], data: [RUN_MS / 1000] }];
    const infer = post("/v2/models/slow/infer", { inputs });
    await sendAndAbort(front.port, infer, { ...abortOf(index, 0), delayMs: 20 });
    while (pending(golden) > 0) await sleep(5);
    const stream = post("/v2/models/llm_dec/generate_stream", {
      text_input: "x",
      n: RUN_MS / 10,
      delay: 0.01,
    });
    const { isInTime } = await sendAndAbort(front.port, stream, abortOf(index, 1));
    assert.ok(isInTime);
  }
  await assertNothingAlive(golden);
  assert.ok(Date.now() - started < 50 * RUN_MS / 3, `took ${Date.now() - started} ms`);
  const { answer } = await exchange(front.port, [
    post("/v2/models/llm_dec/generate", { text_input: "still here" }),
  ]);
  assert.equal(answer?.status, 200);
});
