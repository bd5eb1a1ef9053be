/** gRPC-Web and the Connect protocol on the HTTP port, with Connect's clients and by hand. */
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { KServeHttp, RestrictedFeatures, type Server } from "../../mod.ts";
import {
  GRPCInferenceService,
  ModelInferRequestSchema,
  ServerLiveResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { Health } from "../../proto/gen/health_pb.ts";
import { frameOf } from "../../src/grpc/framing.ts";
import { assertNothingAlive, sleep, startEcho } from "../support/real_server.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };
const SERVICE = "/inference.GRPCInferenceService/";
const UNKNOWN = "Request for unknown model: 'nope' is not found";
const JSON_TYPE = { "content-type": "application/json" };

let server: Server;
let http: KServeHttp;

before(async () => {
  server = await startEcho();
  http = await KServeHttp.start(server, LOCAL);
});

type InferInit = MessageInitShape<typeof ModelInferRequestSchema>;

/** A request of `floats` to a model, whose behaviour the parameters change. */
function inferInit(
  modelName: string,
  parameters: Record<string, number> = {},
  floats = new Float32Array([1, 2.5]),
): InferInit {
  const entries = Object.entries(parameters).map(([name, value]) => {
    return [name, { parameterChoice: { case: "int64Param" as const, value: BigInt(value) } }];
  });
  return {
    modelName,
    id: "7",
    parameters: Object.fromEntries(entries),
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [BigInt(floats.length)] }],
    rawInputContents: [new Uint8Array(floats.buffer)],
  };
}

const kinds = ["Connect, binary", "Connect, JSON", "gRPC-Web, binary", "gRPC-Web, JSON"] as const;

function transportOf(kind: (typeof kinds)[number], options = {}): Transport {
  const make = kind.startsWith("Connect") ? createConnectTransport : createGrpcWebTransport;
  return make({
    httpVersion: "1.1",
    baseUrl: `http://${http.address}`,
    useBinaryFormat: kind.endsWith("binary"),
    ...options,
  });
}

function clientOf(kind: (typeof kinds)[number], options = {}): Client<typeof GRPCInferenceService> {
  return createClient(GRPCInferenceService, transportOf(kind, options));
}

function url(method: string, port = http.port): string {
  return `http://127.0.0.1:${port}${SERVICE}${method}`;
}

/** What the front end answers a POST of JSON. */
async function post(
  method: string,
  body: string,
  headers: Record<string, string> = {},
  port?: number,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url(method, port), {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body,
  });
  return { status: response.status, body: await response.json() };
}

async function* each<Item>(...items: Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return await Array.fromAsync(items);
}

function floatsOf(raw: readonly Uint8Array[] = []): number[] {
  return raw.flatMap((bytes) => [...new Float32Array(bytes.slice().buffer)]);
}

function isConnectError(code: Code, message: string) {
  return (reason: unknown) => {
    assert.ok(reason instanceof ConnectError);
    assert.deepEqual([reason.code, reason.rawMessage], [code, message]);
    return true;
  };
}

for (const kind of kinds) {
  test(`${kind}: metadata, readiness, health and inference`, async () => {
    const client = clientOf(kind);
    assert.equal((await client.serverLive({})).live, true);
    assert.equal((await client.modelReady({ name: "echo" })).ready, true);
    assert.equal((await client.serverMetadata({})).name, "triton");
    assert.equal((await client.modelConfig({ name: "echo" })).config?.name, "echo");
    const health = createClient(Health, transportOf(kind));
    assert.equal((await health.check({})).status, 1);
    const { id, modelVersion, outputs, rawOutputContents } = await client.modelInfer(
      inferInit("echo"),
    );
    assert.deepEqual([id, modelVersion, outputs[0].name, outputs[0].shape], ["7", "1", "OUTPUT0", [
      2n,
    ]]);
    assert.deepEqual(floatsOf(rawOutputContents), [1, 2.5]);
  });

  test(`${kind}: errors have the codes and texts of gRPC`, async () => {
    const client = clientOf(kind);
    await assert.rejects(
      client.modelMetadata({ name: "nope" }),
      isConnectError(Code.NotFound, UNKNOWN),
    );
    await assert.rejects(
      client.modelInfer(inferInit("nope")),
      isConnectError(Code.NotFound, UNKNOWN),
    );
    await assert.rejects(
      client.modelInfer(inferInit("echo_stream")),
      isConnectError(
        Code.Unimplemented,
        "ModelInfer RPC doesn't support models with decoupled transaction policy",
      ),
    );
    await assert.rejects(
      client.modelInfer(inferInit("echo", { fail_at: 1 })),
      (reason) => reason instanceof ConnectError && reason.code === Code.Internal,
    );
    await assert.rejects(
      client.systemSharedMemoryRegister({ name: "a", key: "/a", byteSize: 4n }),
      (reason) => reason instanceof ConnectError && reason.code === Code.Unimplemented,
    );
  });

  test(`${kind}: a stream takes all requests and answers them`, async () => {
    const replies = await collect(
      clientOf(kind).modelStreamInfer(each(
        inferInit("echo_stream", { responses: 3 }),
        inferInit("nope"),
      )),
    );
    const texts = replies.map(({ errorMessage }) => errorMessage);
    assert.deepEqual(texts.filter((text) => text !== ""), [UNKNOWN]);
    const answers = replies.filter(({ errorMessage }) => errorMessage === "");
    assert.equal(answers.length, 3);
    for (const { inferResponse } of answers) {
      assert.deepEqual(floatsOf(inferResponse?.rawOutputContents), [1, 2.5]);
    }
  });

  test(`${kind}: responses of a decoupled model come as they are made`, async () => {
    const times: number[] = [];
    const stream = clientOf(kind).modelStreamInfer(
      each(inferInit("echo_stream", { responses: 3, delay_us: 300_000 })),
    );
    for await (const _ of stream) times.push(Date.now());
    assert.equal(times.length, 3);
    assert.ok(times[2] - times[0] > 400, `all within ${times[2] - times[0]} ms`);
  });

  test(`${kind}: a stream of triton_grpc_error ends with the model's status`, async () => {
    const stream = clientOf(kind).modelStreamInfer(
      each(inferInit("echo_stream", { responses: 3, fail_at: 2 })),
      { headers: { triton_grpc_error: "true" } },
    );
    await assert.rejects(
      collect(stream),
      (reason) => reason instanceof ConnectError && reason.code === Code.Internal,
    );
  });

  test(`${kind}: a deadline cancels the inference and is the status`, async () => {
    const client = clientOf(kind);
    const slow = inferInit("echo", { delay_us: 20_000_000 });
    await assert.rejects(
      client.modelInfer(slow, { timeoutMs: 200 }),
      (reason) => reason instanceof ConnectError && reason.code === Code.DeadlineExceeded,
    );
    const endless = inferInit("echo_stream", { delay_us: 100_000, responses: 1_000 });
    await assert.rejects(
      collect(client.modelStreamInfer(each(endless), { timeoutMs: 300 })),
      (reason) => reason instanceof ConnectError && reason.code === Code.DeadlineExceeded,
    );
    await assertNothingAlive(server);
  });

  test(`${kind}: a client that leaves cancels its inferences`, async () => {
    const client = clientOf(kind);
    const slow = inferInit("echo", { delay_us: 20_000_000 });
    await assert.rejects(client.modelInfer(slow, { signal: AbortSignal.timeout(200) }));
    const endless = inferInit("echo_stream", { delay_us: 50_000, responses: 1_000 });
    const signal = AbortSignal.timeout(200);
    await assert.rejects(collect(client.modelStreamInfer(each(endless), { signal })));
    await assertNothingAlive(server);
  });

  test(`${kind}: gzip both ways`, async () => {
    const client = clientOf(kind, {
      sendCompression: compressionGzip,
      acceptCompression: [compressionGzip],
      compressMinBytes: 1,
    });
    const floats = new Float32Array(100_000).fill(3);
    const { rawOutputContents } = await client.modelInfer(inferInit("echo", {}, floats));
    assert.equal(rawOutputContents[0].length, 400_000);
    const replies = await collect(
      client.modelStreamInfer(each(inferInit("echo_stream", { responses: 2 }, floats))),
    );
    assert.equal(replies.length, 2);
  });
}

test("curl needs no client: JSON in, JSON out, errors with their HTTP status", async () => {
  assert.deepEqual(await post("ServerLive", "{}"), { status: 200, body: { live: true } });
  assert.deepEqual(await post("ModelMetadata", '{"name":"nope"}'), {
    status: 404,
    body: { code: "not_found", message: UNKNOWN },
  });
  const answer = await post(
    "ModelInfer",
    JSON.stringify({
      model_name: "echo",
      inputs: [{
        name: "INPUT0",
        datatype: "FP32",
        shape: [2],
        contents: { fp32_contents: [1, 2.5] },
      }],
    }),
  );
  assert.deepEqual(answer, {
    status: 200,
    body: {
      modelName: "echo",
      modelVersion: "1",
      outputs: [{ name: "OUTPUT0", datatype: "FP32", shape: ["2"] }],
      rawOutputContents: [new Uint8Array(new Float32Array([1, 2.5]).buffer).toBase64()],
    },
  });
});

test("methods without side effects answer GET, the others do not", async () => {
  const live = await fetch(
    `${url("ServerLive")}?encoding=json&message=${encodeURIComponent("{}")}`,
  );
  assert.deepEqual([live.status, await live.json()], [200, { live: true }]);
  const message = encodeURIComponent('{"name":"nope"}');
  const metadata = await fetch(`${url("ModelMetadata")}?encoding=json&message=${message}`);
  assert.deepEqual([metadata.status, await metadata.json()], [404, {
    code: "not_found",
    message: UNKNOWN,
  }]);
  const load = await fetch(`${url("RepositoryModelLoad")}?encoding=json&message=%7B%7D`);
  assert.equal(load.status, 405);
  await load.body?.cancel();
});

test("what is no known content type is 415, what is no message is an error", async () => {
  const plain = await fetch(url("ServerLive"), {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "{}",
  });
  assert.equal(plain.status, 415);
  await plain.body?.cancel();
  const { status, body } = await post("ServerLive", "{");
  assert.deepEqual([status, (body as { code: string }).code], [400, "invalid_argument"]);
});

test("gRPC-Web in Base64 works as an XMLHttpRequest sends and reads it", async () => {
  const call = async (body: string, method = "ServerLive") => {
    const headers = { "content-type": "application/grpc-web-text" };
    const response = await fetch(url(method), { method: "POST", headers, body });
    assert.equal(response.headers.get("content-type"), "application/grpc-web-text+proto");
    const parts = (await response.text()).match(/[^=]+=*/g) ?? [];
    return Uint8Array.from(parts.flatMap((part) => [...Uint8Array.fromBase64(part)]));
  };
  const bytes = await call(frameOf(new Uint8Array(0), false).toBase64());
  const size = bytes[4];
  assert.equal(fromBinary(ServerLiveResponseSchema, bytes.subarray(5, 5 + size)).live, true);
  assert.match(new TextDecoder().decode(bytes.subarray(5 + size)), /grpc-status: 0/);
  // A text may be several, each with padding of its own.
  const request = frameOf(
    toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, { modelName: "nope" })),
    false,
  );
  const [head, tail] = [request.subarray(0, 4), request.subarray(4)];
  const refused = new TextDecoder().decode(
    await call(head.toBase64() + tail.toBase64(), "ModelInfer"),
  );
  assert.match(refused, /grpc-status: 5/);
  assert.match(new TextDecoder().decode(await call("!")), /grpc-status: 3/);
});

test("bodies may be compressed, within the limit on what they grow to", async () => {
  const small = await KServeHttp.start(server, { ...LOCAL, maxInputSize: 2000 });
  const send = (length: number) =>
    fetch(url("ModelMetadata", small.port), {
      method: "POST",
      headers: { ...JSON_TYPE, "content-encoding": "gzip", "accept-encoding": "gzip" },
      body: gzipSync(JSON.stringify({ name: "x".repeat(length) })),
    });
  assert.equal((await send(1500)).status, 404);
  const bomb = await send(1_000_000);
  assert.deepEqual([bomb.status, (await bomb.json()).code], [429, "resource_exhausted"]);
  const long = await post("ModelMetadata", `{"name":"${"x".repeat(3000)}"}`, {}, small.port);
  assert.equal(long.status, 429);
  await small.stop();
});

test("a reply is compressed for a client that asks for it", async () => {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const name = "x".repeat(2000);
  const body = JSON.stringify({ name });
  const socket = connect(http.port, "127.0.0.1", () => {
    socket.write(
      `POST ${SERVICE}ModelConfig HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `Accept-Encoding: gzip\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  const pieces: Uint8Array[] = [];
  socket.on("data", (piece: Uint8Array) => pieces.push(piece));
  socket.on("error", reject);
  socket.on("end", () => resolve(Uint8Array.from(pieces.flatMap((piece) => [...piece]))));
  const bytes = await promise;
  const text = new TextDecoder("latin1").decode(bytes);
  assert.match(text, /\r\ncontent-encoding: gzip\r\n/i);
  const packed = bytes.subarray(text.indexOf("\r\n\r\n") + 4);
  const { message } = JSON.parse(gunzipSync(packed).toString());
  assert.equal(message, `Request for unknown model: '${name}' is not found`);
});

test("restricted features want the header that they want on gRPC", async () => {
  const restrictedFeatures = new RestrictedFeatures();
  restrictedFeatures.createFeatureGroup("Some-Key", "some-value", ["inference", "health"]);
  const guarded = await KServeHttp.start(server, { ...LOCAL, restrictedFeatures });
  const refused = {
    status: 503,
    body: {
      code: "unavailable",
      message: "This protocol is restricted, expecting header 'triton-grpc-protocol-Some-Key'",
    },
  };
  const secret = { "triton-grpc-protocol-some-key": "some-value" };
  for (const method of ["ModelInfer", "ServerLive", "ServerReady", "ModelReady"]) {
    assert.deepEqual(await post(method, "{}", {}, guarded.port), refused, method);
    const wrong = { "triton-grpc-protocol-some-key": "another" };
    assert.deepEqual(await post(method, "{}", wrong, guarded.port), refused, method);
  }
  assert.equal((await post("ServerLive", "{}", secret, guarded.port)).status, 200);
  assert.equal((await post("ServerMetadata", "{}", {}, guarded.port)).status, 200);
  const client = createClient(
    GRPCInferenceService,
    createGrpcWebTransport({ httpVersion: "1.1", baseUrl: `http://${guarded.address}` }),
  );
  await assert.rejects(
    collect(client.modelStreamInfer(each(inferInit("echo")))),
    isConnectError(Code.Unavailable, refused.body.message),
  );
  const open = client.modelStreamInfer(each(inferInit("echo")), { headers: secret });
  assert.equal((await collect(open)).length, 1);
  await guarded.stop();
});

test("Health/Watch sends the status, and ends with its client", async () => {
  const leave = new AbortController();
  const client = createClient(Health, transportOf("gRPC-Web, binary"));
  const watch = client.watch({}, { signal: leave.signal })[Symbol.asyncIterator]();
  assert.equal((await watch.next()).value.status, 1);
  leave.abort();
  await assert.rejects(watch.next());
});

test("a client that does not read holds its model back, and misses nothing", async () => {
  const count = 1500;
  const size = 65_536 * 4;
  const init = inferInit("echo_stream", { responses: count }, new Float32Array(size / 4));
  const body = frameOf(
    toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, init)),
    false,
  );
  const socket = connect(http.port, "127.0.0.1");
  socket.pause();
  socket.write(
    `POST ${SERVICE}ModelStreamInfer HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n` +
      "Content-Type: application/grpc-web+proto\r\n\r\n",
  );
  socket.write(body);
  await sleep(2000);
  // What waits is bounded, by 64 MiB in the stream and 16 MiB on their way there; the model waits too.
  const { requests, buffers } = server.liveCounters();
  assert.equal(requests, 1);
  assert.ok(buffers * size < 90 << 20, `${buffers} responses wait`);
  let came = 0;
  socket.on("data", (bytes) => came += bytes.length);
  socket.resume();
  await assertNothingAlive(server);
  for (let i = 0; i < 100 && came < count * size; i++) await sleep(50);
  assert.ok(came > count * size, `${came} bytes came`);
  socket.destroy();
});

test("the services work in a mounted app, and can be left away", async () => {
  const request = () =>
    new Request(`http://x${SERVICE}ServerLive?x=1`, {
      method: "POST",
      headers: JSON_TYPE,
      body: "{}",
    });
  const mounted = await http.app.fetch(request());
  assert.deepEqual(await mounted.json(), { live: true });
  const without = new KServeHttp(server, { rpc: false });
  assert.equal((await without.app.fetch(request())).status, 404);
});

test("a reader that leaves a mounted app's stream ends it", async () => {
  const response = await http.app.fetch(
    new Request(`http://x/grpc.health.v1.Health/Watch`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: frameOf(new Uint8Array(0), false) as Uint8Array<ArrayBuffer>,
    }),
  );
  const reader = response.body!.getReader();
  assert.equal((await reader.read()).done, false);
  await reader.cancel();
});

test("the server's end", async () => {
  await assertNothingAlive(server);
  await server.stop();
});
