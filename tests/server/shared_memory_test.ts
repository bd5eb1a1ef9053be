/** Clients' shared memory on the real Triton, over HTTP and gRPC. */
import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { KServeGrpc, KServeHttp, type Server } from "../../mod.ts";
import {
  ModelInferRequestSchema,
  SystemSharedMemoryRegisterRequestSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { sharedMemoryOf } from "../../src/kserve/shared_memory_registry.ts";
import { startChild } from "../support/child.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";
import {
  makeSharedMemory,
  readSharedMemory,
  removeSharedMemory,
  truncateSharedMemory,
} from "../support/shared_memory.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";

const PAGE = 4096;
const LARGE = 16 << 20;
const LOCAL = { address: "127.0.0.1", port: 0, allowClientSharedMemory: true, threads: THREADS };
const SERVICE = "/inference.GRPCInferenceService";
const DISABLED = "Client shared memory is disabled. Start the server with " +
  "'--allow-client-shm=true' to enable.";
/** Object names of this process, so that runs side by side do not meet. */
const KEY = `/triton_ts_test_${process.pid}`;
const IN = `${KEY}_in`;
const OUT = `${KEY}_out`;

let server: Server;
let http: KServeHttp;
let grpc: KServeGrpc;
let client: RawGrpcClient;

before(async () => {
  server = await startEcho();
  http = await KServeHttp.start(server, LOCAL);
  grpc = await KServeGrpc.start(server, LOCAL);
  await occupyMainThread("grpc", grpc.port);
  client = new RawGrpcClient(grpc.port);
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(path: string, body?: unknown, app = http.app): Promise<Answer> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await app.fetch(new Request(`http://localhost/v2/${path}`, init));
  return { status: response.status, text: await response.text() };
}

async function done(answer: Promise<Answer>): Promise<string> {
  const { status, text } = await answer;
  assert.equal(status, 200, text);
  return text;
}

async function refused(answer: Promise<Answer>, status: number, error: string): Promise<void> {
  const { status: actual, text } = await answer;
  assert.deepEqual({ status: actual, error: JSON.parse(text).error }, { status, error });
}

const register = (name: string, key: string, byteSize: number, offset?: number) =>
  ask(`systemsharedmemory/region/${name}/register`, { key, byte_size: byteSize, offset });

const unregister = (name?: string) =>
  ask(`systemsharedmemory/${name ? `region/${name}/` : ""}unregister`, {});

const status = async () => JSON.parse(await done(ask("systemsharedmemory/status")));

/** Parameters of a tensor that lies in a region. */
const place = (region: string, byteSize: number, offset = 0) => ({
  shared_memory_region: region,
  shared_memory_byte_size: byteSize,
  shared_memory_offset: offset,
});

interface Infer {
  readonly input: ReturnType<typeof place>;
  readonly output?: ReturnType<typeof place>;
  readonly parameters?: Record<string, number>;
}

function inferBody({ input, output, parameters }: Infer): unknown {
  const shape = [input.shared_memory_byte_size / 4];
  return {
    inputs: [{ name: "INPUT0", datatype: "FP32", shape, parameters: input }],
    outputs: [{ name: "OUTPUT0", parameters: output ?? { binary_data: false } }],
    parameters,
  };
}

const infer = (request: Infer) => ask("models/echo/infer", inferBody(request));

/** The first element of the answer's output. */
const first = async (answer: Promise<Answer>) => JSON.parse(await done(answer)).outputs[0].data[0];

/** Waits until no object is mapped: another thread may have been the last to use one. */
async function unmapped(): Promise<void> {
  for (let i = 0; i < 200 && mappings() > 0; i++) await sleep(25);
  assert.equal(mappings(), 0);
}

/** How many of the process's mappings are of the tests' objects. */
function mappings(): number {
  return readFileSync("/proc/self/maps", "utf8").split("\n")
    .filter((line) => line.includes(`/dev/shm${KEY}`)).length;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await sleep(25);
  assert.ok(condition());
}

const running = (count: number) => until(() => server.liveCounters().requests === count);

function floats(length: number, make: (index: number) => number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length }, (_, index) => make(index)).buffer);
}

test("large tensors go from region to region and are not copied", async () => {
  const data = floats(LARGE / 4, (index) => index % 9973);
  makeSharedMemory(IN, data);
  makeSharedMemory(OUT, new Uint8Array(LARGE + PAGE));
  await done(register("in", IN, LARGE));
  await done(register("out", OUT, LARGE + PAGE));
  assert.equal(server.liveCounters().mappings, 2);
  const output = place("out", LARGE, 100);
  const text = await done(infer({ input: place("in", LARGE), output }));
  assert.deepEqual(JSON.parse(text).outputs, [
    { name: "OUTPUT0", datatype: "FP32", shape: [LARGE / 4] },
  ]);
  const written = readSharedMemory(OUT);
  assert.ok(indexOfDifference(written.subarray(100, 100 + LARGE), data) < 0);
  assert.ok(written.subarray(0, 100).every((byte) => byte === 0));
  assert.ok(written.subarray(100 + LARGE).every((byte) => byte === 0));

  // The bridge makes no buffer for such an output, and the answer carries none of its bytes.
  const regions = sharedMemoryOf(server, true);
  const [source, target] = [regions.lease("in", 0, LARGE), regions.lease("out", 0, LARGE)];
  let hasEnded = false;
  server.infer({
    modelName: "echo",
    modelVersion: -1,
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [LARGE / 4], data: source.slice }],
    outputs: [{ name: "OUTPUT0", placement: target.slice }],
    onReleased: () => {
      source.release();
      target.release();
      hasEnded = true;
    },
  }, (response) => {
    if (response.hasContent) {
      assert.equal(server.liveCounters().buffers, 0);
      assert.equal(response.outputs[0].data.length, 0);
      assert.equal(response.outputs[0].byteSize, LARGE);
    }
    response.release();
  });
  await until(() => hasEnded);
  assert.ok(indexOfDifference(readSharedMemory(OUT).subarray(0, LARGE), data) < 0);
  await done(unregister());
  await unmapped();
});

/** Where the arrays differ first; -1 when they do not. */
function indexOfDifference(a: Uint8Array, b: Uint8Array): number {
  return a.findIndex((byte, index) => byte !== b[index]);
}

test("offsets of regions and of tensors in them count from the right place", async () => {
  makeSharedMemory(IN, floats(3 * PAGE / 4, (index) => index));
  await done(register("whole", IN, 3 * PAGE));
  await done(register("second", IN, 2 * PAGE, PAGE));
  assert.equal(await first(infer({ input: place("whole", 4, 8) })), 2);
  assert.equal(await first(infer({ input: place("second", 4) })), PAGE / 4);
  assert.equal(await first(infer({ input: place("second", 4, PAGE) })), 2 * PAGE / 4);
  assert.equal(await first(infer({ input: place("second", 4, 2 * PAGE - 4) })), 3 * PAGE / 4 - 1);
  // From one region into another one of the same object.
  const output = place("second", 16, 32);
  await done(infer({ input: place("whole", 16, 400), output }));
  assert.deepEqual(
    readSharedMemory(IN).subarray(PAGE + 32, PAGE + 48),
    floats(4, (index) => 100 + index),
  );
  assert.deepEqual(await status(), [
    { name: "second", key: IN, offset: PAGE, byte_size: 2 * PAGE },
    { name: "whole", key: IN, offset: 0, byte_size: 3 * PAGE },
  ]);
  await done(unregister());
});

test("regions that cannot be are refused with Triton's texts", async () => {
  makeSharedMemory(IN, new Uint8Array(2 * PAGE));
  const failed = "failed to register shared memory region 'r': ";
  const address = `${failed}unable to process address spaceInvalid argument`;
  await refused(
    register("r", `${KEY}_no`, 1),
    500,
    `Unable to open shared memory region: '${KEY}_no'`,
  );
  await refused(register("r", "/a/b", 1), 500, "Unable to open shared memory region: '/a/b'");
  await refused(register("r", IN, 2 * PAGE + 1), 400, `${failed}invalid args`);
  await refused(register("r", IN, PAGE + 1, PAGE), 400, `${failed}invalid args`);
  const huge = `{"key":"${IN}","offset":18446744073709551615,"byte_size":4096}`;
  const request = { method: "POST", body: huge };
  const url = "http://localhost/v2/systemsharedmemory/region/r/register";
  const overflow = await http.app.fetch(new Request(url, request));
  assert.equal(await overflow.text(), `{"error":"${failed}invalid args"}`);
  await refused(register("r", IN, 8, 8), 400, address);
  await refused(register("r", IN, 0), 400, address);
  await refused(
    register("r", "///", 1),
    400,
    "cannot register shared memory region 'r' - invalid shm key '///'",
  );
  const handle = { b64: new Uint8Array(64).toBase64() };
  await refused(
    ask("cudasharedmemory/region/c/register", { raw_handle: handle, byte_size: 8, device_id: 0 }),
    400,
    "failed to register shared memory region: invalid args",
  );
  assert.deepEqual(await status(), []);
  await unmapped();
  assert.equal(server.liveCounters().mappings, 0);
});

test("places outside of a region are refused, and outputs that do not fit", async () => {
  makeSharedMemory(IN, new Uint8Array(64));
  await done(register("r", IN.slice(1), 64));
  const bytes = (size: number, offset = 0) => infer({ input: place("r", size, offset) });
  await refused(bytes(4, 64), 400, "Invalid offset for shared memory region: 'r'");
  await refused(bytes(8, 60), 400, "Invalid offset + byte size for shared memory region: 'r'");
  await refused(
    infer({ input: place("r", 16), output: place("r", 8, 32) }),
    500,
    "shared memory size specified with the request for output 'OUTPUT0' (8 bytes) should be at " +
      "least 16 bytes to hold the results",
  );
  await refused(
    infer({ input: place("r", 16), output: place("nope", 8) }),
    404,
    "Unable to find shared memory region: 'nope'",
  );
  // Neither these nor what Triton refuses at once keep the region.
  const wrong = JSON.stringify(inferBody({ input: place("r", 16) })).replace("INPUT0", "NOPE");
  assert.equal((await ask("models/echo/infer", JSON.parse(wrong))).status, 400);
  await assertNothingRuns();
  await done(unregister("r"));
  await unmapped();
});

/** Waits until Triton has released all requests, which may be after their answers. */
const assertNothingRuns = () => running(0);

test("a region that is unregistered while it is used stays until the last use has ended", async () => {
  makeSharedMemory(IN, floats(PAGE / 4, () => 7));
  await done(register("r", IN, PAGE));
  const one = infer({ input: place("r", PAGE), parameters: { delay_us: 400_000 } });
  const two = infer({ input: place("r", PAGE), parameters: { delay_us: 400_000 } });
  await running(2);
  await done(unregister("r"));
  assert.equal(mappings(), 1);
  assert.deepEqual((await status()).map(({ name }: { name: string }) => name), ["r"]);
  await refused(register("r", IN, PAGE), 400, "shared memory region 'r' already in manager");
  assert.equal(await first(one), 7);
  assert.equal(mappings(), 1);
  assert.equal(await first(two), 7);
  await assertNothingRuns();
  assert.deepEqual(await status(), []);
  await unmapped();
});

test("a region stays while a model uses it whose client has gone", async () => {
  makeSharedMemory(IN, floats(PAGE / 4, () => 7));
  await done(register("r", IN, PAGE));
  const abort = new AbortController();
  const input = place("r", PAGE);
  const gone = fetch(`http://${http.address}/v2/models/echo/infer`, {
    method: "POST",
    body: JSON.stringify(inferBody({ input, parameters: { delay_us: 1_500_000, stubborn: 1 } })),
    signal: abort.signal,
  });
  await running(1);
  abort.abort();
  await assert.rejects(gone);
  await done(unregister());
  assert.equal(mappings(), 1);
  assert.equal(server.liveCounters().requests, 1);
  await assertNothingRuns();
  await unmapped();
  assert.deepEqual(await status(), []);
});

test("an object that was cut is refused, and one that is cut under a model ends nothing", async () => {
  makeSharedMemory(IN, floats(4 * PAGE / 4, () => 5));
  makeSharedMemory(OUT, new Uint8Array(4 * PAGE));
  await done(register("in", IN, 4 * PAGE));
  await done(register("out", OUT, 4 * PAGE));
  truncateSharedMemory(IN, PAGE);
  const cut = "Invalid offset + byte size for shared memory region: 'in'";
  await refused(infer({ input: place("in", PAGE + 4) }), 400, cut);
  assert.equal(await first(infer({ input: place("in", PAGE) })), 5);
  truncateSharedMemory(IN, 4 * PAGE);

  await assertNothingRuns();
  const whole = { input: place("in", 4 * PAGE), output: place("out", 4 * PAGE) };
  const slow = infer({ ...whole, parameters: { delay_us: 300_000 } });
  await running(1);
  truncateSharedMemory(IN, PAGE);
  truncateSharedMemory(OUT, 0);
  await done(slow);
  assert.equal(readSharedMemory(OUT).length, 0);

  // What was lost does not come back with the object's size: the client must register anew.
  makeSharedMemory(IN, floats(4 * PAGE / 4, () => 6));
  await refused(infer({ input: place("in", 4 * PAGE) }), 400, cut);
  await assertNothingRuns();
  await done(unregister());
  await unmapped();
  await done(register("in", IN, 4 * PAGE));
  assert.equal(await first(infer({ input: place("in", 4 * PAGE) })), 6);
  await assertNothingRuns();
  await done(unregister());
});

test("a bus error that is not a region's ends the process as ever", async () => {
  const script = fileURLToPath(new URL("../support/bus_error.ts", import.meta.url).href);
  const { signal, output } = await startChild(script, []).end;
  assert.match(output, /^MAPPED\nREAD 0$/m);
  // Which signal it is, is the runtime's choice; SIGKILL would be that of the test's limit.
  assert.ok(signal !== null && signal !== "SIGKILL", `${signal} ${output}`);
});

test("5,000 regions come and go and leave nothing", { timeout: 120_000 }, async () => {
  makeSharedMemory(IN, new Uint8Array(2 * PAGE));
  const files = () => readdirSync("/proc/self/fd").length;
  const before = files();
  for (let round = 0; round < 500; round++) {
    for (let i = 0; i < 10; i++) await done(register(`r${i}`, IN, PAGE, i % 2 * PAGE));
    if (round === 0) assert.equal(mappings(), 10);
    await done(round % 2 === 0 ? unregister() : unregister("r0"));
    if (round % 2 === 1) await done(unregister());
  }
  await unmapped();
  assert.equal(server.liveCounters().mappings, 0);
  assert.ok(files() <= before + 5, `${files()} open files, ${before} before`);
});

test("more regions than the bridge's first table holds are mapped and used", async () => {
  makeSharedMemory(IN, floats(200 * PAGE / 4, (index) => Math.floor(index * 4 / PAGE)));
  for (let i = 0; i < 200; i++) await done(register(`r${i}`, IN, PAGE, i * PAGE));
  assert.equal(server.liveCounters().mappings, 200);
  for (const i of [0, 63, 64, 199]) {
    assert.equal(await first(infer({ input: place(`r${i}`, PAGE) })), i);
  }
  // A request may be released after its answer; the next count must be that of the slow one.
  await assertNothingRuns();
  // The handler finds regions of later tables too.
  const slow = infer({ input: place("r199", PAGE), parameters: { delay_us: 200_000 } });
  await running(1);
  truncateSharedMemory(IN, PAGE);
  assert.equal(await first(slow), 0);
  await assertNothingRuns();
  await done(unregister());
  await unmapped();
});

test("a hundred requests at once use one region", async () => {
  makeSharedMemory(IN, floats(100, (index) => index));
  makeSharedMemory(OUT, new Uint8Array(400));
  await done(register("in", IN, 400));
  await done(register("out", OUT, 400));
  await Promise.all(Array.from({ length: 100 }, (_, index) =>
    done(infer({
      input: place("in", 4, index * 4),
      output: place("out", 4, 396 - index * 4),
    }))));
  assert.deepEqual(readSharedMemory(OUT), floats(100, (index) => 99 - index));
  await assertNothingRuns();
  await done(unregister());
});

test("HTTP and gRPC share the regions", async () => {
  makeSharedMemory(IN, floats(4, (index) => index + 1));
  const region = { name: "shared", key: IN, byteSize: 16n };
  const message = toBinary(
    SystemSharedMemoryRegisterRequestSchema,
    create(SystemSharedMemoryRegisterRequestSchema, region),
  );
  const path = `${SERVICE}/SystemSharedMemoryRegister`;
  assert.equal((await client.call({ path, messages: [message] })).code, 0);
  assert.deepEqual(await status(), [{ name: "shared", key: IN, offset: 0, byte_size: 16 }]);
  assert.equal(await first(infer({ input: place("shared", 8, 8) })), 3);
  const again = await client.call({ path, messages: [message] });
  assert.equal(again.message, "shared memory region 'shared' already in manager");

  // A stream's requests hold regions too, and let go of them.
  const int64 = (value: bigint) => ({
    parameterChoice: { case: "int64Param" as const, value },
  });
  const request = create(ModelInferRequestSchema, {
    modelName: "echo",
    inputs: [{
      name: "INPUT0",
      datatype: "FP32",
      shape: [4n],
      parameters: {
        shared_memory_region: { parameterChoice: { case: "stringParam", value: "shared" } },
        shared_memory_byte_size: int64(16n),
      },
    }],
    parameters: { delay_us: int64(100_000n) },
  });
  const messages = [1, 2, 3].map(() => toBinary(ModelInferRequestSchema, request));
  await assertNothingRuns();
  const stream = client.call({ path: `${SERVICE}/ModelStreamInfer`, messages });
  await running(3);
  await done(unregister("shared"));
  assert.equal(mappings(), 1);
  assert.equal((await stream).messages.length, 3);
  await assertNothingRuns();
  await unmapped();
});

test("a front end that does not allow it answers so, and still serves the regions", async () => {
  const app = new KServeHttp(server).app;
  makeSharedMemory(IN, floats(4, () => 3));
  await done(register("r", IN, 16));
  for (const kind of ["system", "cuda"]) {
    const path = `${kind}sharedmemory/region/r`;
    await refused(ask(`${path}/register`, { key: IN, byte_size: 16 }, app), 501, DISABLED);
    await refused(ask(`${path}/unregister`, {}, app), 501, DISABLED);
    await refused(ask(`${kind}sharedmemory/unregister`, {}, app), 501, DISABLED);
  }
  const shown = JSON.parse(await done(ask("systemsharedmemory/status", undefined, app)));
  assert.equal(shown.length, 1);
  const body = inferBody({ input: place("r", 16) });
  assert.equal(await first(ask("models/echo/infer", body, app)), 3);

  await using off = await KServeGrpc.start(server, { address: "127.0.0.1", port: 0 });
  await using other = new RawGrpcClient(off.port);
  for (
    const method of ["System", "Cuda"].flatMap((
      kind,
    ) => [`${kind}SharedMemoryRegister`, `${kind}SharedMemoryUnregister`])
  ) {
    const reply = await other.call({ path: `${SERVICE}/${method}`, messages: [new Uint8Array(0)] });
    assert.deepEqual([reply.code, reply.message], [12, DISABLED], method);
  }
  const reply = await other.call({
    path: `${SERVICE}/SystemSharedMemoryStatus`,
    messages: [new Uint8Array(0)],
  });
  assert.equal(reply.code, 0);
  await assertNothingRuns();
  await done(unregister());
});

test("a server that stops unmaps what its clients have left registered", async () => {
  makeSharedMemory(IN, floats(4, () => 3));
  await assertNothingAlive(server);
  await done(register("left", IN, 16));
  const last = infer({ input: place("left", 16), parameters: { delay_us: 200_000 } });
  await running(1);
  await client[Symbol.asyncDispose]();
  const stopped = server.stop();
  assert.equal(await first(last), 3);
  await stopped;
  await unmapped();
  await assertNothingAlive(server);
  removeSharedMemory(IN, OUT);
});
