/**
 * KServeGrpc over sockets, against an engine in memory.
 *
 * @module
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  ModelInferRequestSchema,
  ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { HealthCheckRequestSchema, HealthCheckResponseSchema } from "../../proto/gen/health_pb.ts";
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../proto/gen/reflection_pb.ts";
import { TritonError } from "../../src/errors.ts";
import { frameOf } from "../../src/grpc/framing.ts";
import { KServeGrpc } from "../../src/grpc/kserve_grpc.ts";
import type { KServeGrpcOptions } from "../../src/grpc/options.ts";
import { RestrictedFeatures } from "../../src/kserve/restricted.ts";
import { FakeGrpcEngine } from "../support/fake_grpc_engine.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";

const SERVICE = "/inference.GRPCInferenceService/";
const INFER = SERVICE + "ModelInfer";
const STREAM_INFER = SERVICE + "ModelStreamInfer";

/** A front end with a client; `use` runs between start and stop, and nothing may be left over. */
async function withFrontend(
  use: (client: RawGrpcClient, engine: FakeGrpcEngine, frontend: KServeGrpc) => Promise<void>,
  options: KServeGrpcOptions = {},
): Promise<void> {
  const engine = new FakeGrpcEngine();
  engine.models.set("echo", (inference) => inference.echo());
  engine.models.set("hang", () => {});
  {
    await using frontend = await KServeGrpc.start(engine, {
      address: "127.0.0.1",
      port: 0,
      transport: TRANSPORT,
      ...options,
    });
    await using client = new RawGrpcClient(frontend.port);
    await use(client, engine, frontend);
  }
  assert.equal(engine.unreleased, 0);
  assert.equal(engine.frontends.size, 0);
}

function inferBytes(
  modelName: string,
  init: MessageInitShape<typeof ModelInferRequestSchema> = {},
): Uint8Array {
  return toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, { modelName, ...init }));
}

const ECHO: MessageInitShape<typeof ModelInferRequestSchema> = {
  id: "1",
  inputs: [{ name: "A", datatype: "UINT8", shape: [4096n] }],
  rawInputContents: [new Uint8Array(4096).fill(7)],
};

describe("KServeGrpc: life", () => {
  const options = { address: "127.0.0.1", port: 0, transport: TRANSPORT };

  it("starts and stops once at a time", async () => {
    const engine = new FakeGrpcEngine();
    const frontend = new KServeGrpc(engine, options);
    await assert.rejects(frontend.stop(), {
      code: "UNAVAILABLE",
      message: "GRPC server is not running.",
    });
    assert.equal(frontend.port, 0);
    await frontend.start();
    assert.ok(frontend.port > 0);
    assert.equal(frontend.address, `127.0.0.1:${frontend.port}`);
    assert.ok(engine.frontends.has(frontend));
    await assert.rejects(frontend.start(), {
      code: "ALREADY_EXISTS",
      message: "GRPC server is already running.",
    });
    await Promise.all([frontend.stop(), frontend[Symbol.asyncDispose]()]);
    assert.equal(engine.frontends.size, 0);
    await frontend[Symbol.asyncDispose]();
    await frontend.start();
    await frontend.stop();
  });

  it("says which socket is in use", async () => {
    const engine = new FakeGrpcEngine();
    await using first = await KServeGrpc.start(engine, options);
    await assert.rejects(KServeGrpc.start(engine, { ...options, port: first.port }), {
      code: "UNAVAILABLE",
      message: `Socket '127.0.0.1:${first.port}' already in use `,
    });
    assert.equal(engine.frontends.size, 1);
  });

  it("refuses options out of range", () => {
    const engine = new FakeGrpcEngine();
    const message = "Cannot use port 65536: it is a whole number from 0 to 65535";
    assert.throws(() => new KServeGrpc(engine, { port: 65536 }), { name: "RangeError", message });
    assert.throws(() => new KServeGrpc(engine, { forwardHeaderPattern: "(" }), {
      code: "INVALID_ARG",
    });
    assert.throws(() => new KServeGrpc(engine, { useSsl: true }), { code: "INVALID_ARG" });
  });

  it("lets calls under way finish, and refuses requests on open streams", async () => {
    await withFrontend(async (client, engine, frontend) => {
      const unary = client.call({ path: INFER, messages: [inferBytes("hang")] });
      while (engine.inferences.length === 0) await sleep(5);
      const stopped = frontend.stop();
      await sleep(20);
      engine.inferences[0].respond();
      assert.equal((await unary).code, 0);
      await stopped;
      const late = await client.call({
        path: SERVICE + "ServerLive",
        messages: [new Uint8Array(0)],
      });
      assert.equal(late.code, -1);
    });
  });
});

describe("KServeGrpc: the end of the grace", () => {
  it("cuts calls that do not end, and cancels them", async () => {
    await withFrontend(async (client, engine, frontend) => {
      const unary = client.call({ path: INFER, messages: [inferBytes("hang")] });
      const stream = client.call({ path: STREAM_INFER, messages: [inferBytes("hang")] });
      while (engine.inferences.length < 2) await sleep(5);
      await frontend.stop({ graceMs: 50 });
      assert.notEqual((await unary).code, 0);
      assert.notEqual((await stream).code, 0);
      assert.ok(engine.inferences.every(({ cancelled }) => cancelled));
      for (const inference of engine.inferences) inference.respond();
    });
  });
});

describe("KServeGrpc: the wire", () => {
  it("answers an inference with headers, a message and trailers", () =>
    withFrontend(async (client) => {
      const reply = await client.call({ path: INFER, messages: [inferBytes("echo", ECHO)] });
      assert.deepEqual([reply.code, reply.message, reply.trailersOnly], [0, "", false]);
      assert.equal(reply.headers["content-type"], "application/grpc");
      assert.equal(reply.headers["grpc-accept-encoding"], "identity, deflate, gzip");
      const response = fromBinary(ModelInferResponseSchema, reply.messages[0]);
      assert.equal(response.id, "1");
      assert.deepEqual(new Uint8Array(response.rawOutputContents[0]), ECHO.rawInputContents?.[0]);
    }));

  it("answers failures with trailers only", () =>
    withFrontend(async (client, engine) => {
      engine.models.set("bad", (inference) =>
        inference.respond({ error: new TritonError("INVALID_ARG", "bad é中 100%") }));
      const reply = await client.call({ path: INFER, messages: [inferBytes("bad")] });
      assert.deepEqual([reply.code, reply.message, reply.trailersOnly], [3, "bad é中 100%", true]);
      assert.equal(reply.headers["grpc-accept-encoding"], undefined);
    }));

  it("does not know other methods", () =>
    withFrontend(async (client) => {
      for (const path of [SERVICE + "Nope", "/x.Y/Z", "/"]) {
        const reply = await client.call({ path, messages: [new Uint8Array(0)] });
        assert.deepEqual([reply.code, reply.message, reply.trailersOnly], [12, "", true]);
      }
    }));

  it("refuses what is not gRPC as gRPC's C++ core does", () =>
    withFrontend(async (client) => {
      const path = SERVICE + "ServerLive";
      for (const type of ["application/grpc-web", "application/json", "application/grpcx"]) {
        const headers = { "content-type": type };
        const reply = await client.call({ path, headers, messages: [new Uint8Array(0)] });
        assert.equal(reply.code, -1);
      }
      for (const type of ["application/grpc+proto", "application/grpc;x", ""]) {
        const headers = { "content-type": type };
        const reply = await client.call({ path, headers, messages: [new Uint8Array(0)] });
        assert.equal(reply.code, 0, type);
      }
      const brotli = { "grpc-encoding": "br" };
      assert.equal(
        (await client.call({ path, headers: brotli, messages: [new Uint8Array(0)] })).code,
        -1,
      );
      const get = await client.call({ path, headers: { ":method": "GET" } });
      assert.deepEqual([get.code, get.message], [2, "Bad method header"]);
    }));

  it("takes the first message of a unary call, and wants one that it can read", () =>
    withFrontend(async (client) => {
      const path = SERVICE + "ServerLive";
      const empty = new Uint8Array(0);
      assert.equal((await client.call({ path, messages: [empty, empty] })).code, 0);
      const unreadable = [
        await client.call({ path }),
        await client.call({ path, messages: [Uint8Array.of(255)] }),
        await client.call({ path: INFER, messages: [Uint8Array.of(255, 255)] }),
        await client.call({ path, body: frameOf(gzipSync(empty), true) }),
      ];
      for (const { code, message } of unreadable) {
        assert.deepEqual([code, message], [13, "Unable to parse request"]);
      }
    }));

  it("reads compressed requests", () =>
    withFrontend(async (client) => {
      const reply = await client.call({
        path: INFER,
        headers: { "grpc-encoding": "gzip" },
        body: frameOf(gzipSync(inferBytes("echo", ECHO)), true),
      });
      assert.equal(reply.code, 0);
    }));

  it("ends a call with a message that cannot be unpacked", () =>
    withFrontend(async (client, engine) => {
      const damaged = frameOf(Uint8Array.of(1, 2), true);
      const hanging = frameOf(inferBytes("hang"), false);
      for (const encoding of ["gzip", "deflate"]) {
        for (const path of [SERVICE + "ServerLive", INFER, STREAM_INFER]) {
          const { code, message } = await client.call({
            path,
            headers: { "grpc-encoding": encoding },
            body: path === STREAM_INFER ? Uint8Array.of(...hanging, ...damaged) : damaged,
          });
          assert.deepEqual(
            [code, message],
            [13, `Unexpected error decompressing data for algorithm ${encoding}`],
          );
        }
      }
      assert.deepEqual(engine.inferences.map(({ cancelled }) => cancelled), [true, true]);
      for (const inference of engine.inferences) inference.respond();
    }));

  it("compresses responses to inferences that gain from it", () =>
    withFrontend(async (client) => {
      const headers = { "grpc-accept-encoding": "identity, deflate, gzip" };
      const call = { path: INFER, headers, messages: [inferBytes("echo", ECHO)] };
      const large = await client.call(call);
      assert.equal(large.headers["grpc-encoding"], "gzip");
      assert.ok(large.messages[0].length < 200);
      const response = fromBinary(ModelInferResponseSchema, gunzipSync(large.messages[0]));
      assert.equal(response.rawOutputContents[0].length, 4096);
      const small = await client.call({ ...call, messages: [inferBytes("echo")] });
      assert.equal(fromBinary(ModelInferResponseSchema, small.messages[0]).modelName, "echo");
      const live = await client.call({
        path: SERVICE + "ServerLive",
        headers,
        messages: [new Uint8Array(0)],
      });
      assert.equal(live.headers["grpc-encoding"], undefined);
    }, { inferCompressionLevel: "low" }));

  it("refuses a message over the limit before it has come", () =>
    withFrontend(async (client) => {
      const body = Uint8Array.of(0, 255, 255, 255, 255, 1);
      const reply = await client.call({ path: INFER, body });
      assert.equal(reply.code, 8);
    }));
});

describe("KServeGrpc: streams and cancellation", () => {
  it("takes an unreadable message for the end of the requests", () =>
    withFrontend(async (client) => {
      const messages = [inferBytes("echo"), Uint8Array.of(255), inferBytes("echo")];
      const reply = await client.call({ path: STREAM_INFER, messages });
      assert.deepEqual([reply.code, reply.messages.length], [0, 1]);
    }));

  it("ends with a status in the mode triton_grpc_error", () =>
    withFrontend(async (client, engine) => {
      engine.models.set(
        "bad",
        (inference) => inference.respond({ error: new TritonError("NOT_FOUND", "gone") }),
      );
      const call = { path: STREAM_INFER, messages: [inferBytes("bad")] };
      const reply = await client.call({ ...call, headers: { triton_grpc_error: "true" } });
      assert.deepEqual([reply.code, reply.message], [5, "gone"]);
      const other = await client.call({ ...call, headers: { triton_grpc_error: "True" } });
      const [message] = other.messages;
      assert.equal(fromBinary(ModelStreamInferResponseSchema, message).errorMessage, "gone");
    }));

  it("cancels inferences with the call", () =>
    withFrontend(async (client, engine) => {
      let cancel = () => {};
      const cancelled = new Promise<void>((resolve) => cancel = resolve);
      const stream = client.call({
        path: STREAM_INFER,
        messages: [inferBytes("hang"), inferBytes("hang")],
        cancel: cancelled,
      });
      const unary = client.call({ path: INFER, messages: [inferBytes("hang")], deadline: 50 });
      while (engine.inferences.length < 3) await sleep(5);
      cancel();
      await Promise.all([stream, unary]);
      while (engine.inferences.some((inference) => !inference.cancelled)) await sleep(5);
      for (const inference of engine.inferences) inference.respond();
    }));

  it("replies late when told so, but not to inferences", () =>
    withFrontend(async (client) => {
      const live = { path: SERVICE + "ServerLive", messages: [new Uint8Array(0)] };
      const started = performance.now();
      assert.equal((await client.call({ ...live, deadline: 50 })).code, 4);
      const reply = await client.call({ path: INFER, messages: [inferBytes("echo")] });
      assert.equal(reply.code, 0);
      assert.ok(performance.now() - started < 200);
      assert.equal((await client.call(live)).code, 0);
      assert.ok(performance.now() - started >= 250);
    }, { replyDelayMs: 200 }));

  it("ends a call at its deadline also when the client does not", () =>
    withFrontend(async (client, engine) => {
      const reply = await client.call({
        path: INFER,
        headers: { "grpc-timeout": "30m" },
        messages: [inferBytes("hang")],
      });
      assert.deepEqual([reply.code, reply.message], [4, "Deadline Exceeded"]);
      assert.ok(engine.inferences[0].cancelled);
      engine.inferences[0].respond();
    }));
});

describe("KServeGrpc: restrictions and headers", () => {
  const restrictedFeatures = new RestrictedFeatures();
  restrictedFeatures.createFeatureGroup("key", "value", ["health", "inference"]);
  const header = "triton-grpc-protocol-key";

  it("lets restricted calls pass with the first value of their header", () =>
    withFrontend(async (client) => {
      const call = { path: SERVICE + "ServerLive", messages: [new Uint8Array(0)] };
      const expected = [14, `This protocol is restricted, expecting header '${header}'`];
      const wrong: Record<string, string | string[]>[] = [
        {},
        { [header]: "other" },
        { [header]: ["other", "value"] },
      ];
      for (const headers of wrong) {
        const reply = await client.call({ ...call, headers });
        assert.deepEqual([reply.code, reply.message], expected);
      }
      for (const headers of [{ [header]: "value" }, { [header]: ["value", "other"] }]) {
        assert.equal((await client.call({ ...call, headers })).code, 0);
      }
      const stream = await client.call({ path: STREAM_INFER, messages: [inferBytes("echo")] });
      assert.deepEqual([stream.code, stream.message], expected);
      const check = await client.call({ ...call, path: "/grpc.health.v1.Health/Check" });
      assert.equal(check.code, 14);
    }, { restrictedFeatures }));

  it("forwards headers to the model", () =>
    withFrontend(async (client, engine) => {
      const headers = { "x-a": ["1", "2"], "x-b": "3" };
      await client.call({ path: INFER, headers, messages: [inferBytes("echo")] });
      assert.deepEqual(engine.inferences[0].request.parameters, [["x-a", "1"], ["x-a", "2"]]);
      const reply = await client.call({
        path: INFER,
        headers: { priority: "1" },
        messages: [inferBytes("echo")],
      });
      assert.deepEqual([reply.code, reply.message], [
        3,
        "Header 'priority' is reserved for Triton usage and cannot be forwarded.",
      ]);
    }, { forwardHeaderPattern: "A$|prio" }));
});

describe("KServeGrpc: health and reflection", () => {
  it("watches the readiness", () =>
    withFrontend(async (client, engine, frontend) => {
      const watch = client.call({
        path: "/grpc.health.v1.Health/Watch",
        messages: [new Uint8Array(0)],
      });
      await sleep(100);
      engine.ready = false;
      await sleep(1500);
      await frontend.stop();
      const { code, messages } = await watch;
      assert.equal(code, 14);
      const states = messages.map((bytes) => fromBinary(HealthCheckResponseSchema, bytes).status);
      assert.deepEqual(states, [1, 2]);
    }));

  it("tells the readiness of models by their names, else that of the server", () =>
    withFrontend(async (client, engine) => {
      engine.json.repositoryIndex = [{ name: "echo" }, { name: "unloaded" }];
      const ask = async (method: string, service: string) => {
        const request = create(HealthCheckRequestSchema, { service });
        const { code, messages } = await client.call({
          path: `/grpc.health.v1.Health/${method}`,
          messages: [toBinary(HealthCheckRequestSchema, request)],
          cancel: method === "Watch" ? sleep(200) : undefined,
        });
        assert.equal(code, method === "Watch" ? -1 : 0);
        return messages.map((bytes) => fromBinary(HealthCheckResponseSchema, bytes).status);
      };
      const services = ["", "inference.GRPCInferenceService", "echo", "unloaded", "nobody"];
      const all = (method: string) => Promise.all(services.map((service) => ask(method, service)));
      assert.deepEqual((await all("Check")).flat(), [1, 1, 1, 2, 1]);
      assert.deepEqual((await all("Watch")).flat(), [1, 1, 1, 2, 3]);
      engine.ready = false;
      assert.deepEqual((await all("Check")).flat(), [2, 2, 1, 2, 2]);
    }));

  it("describes the services", () =>
    withFrontend(async (client) => {
      const ask = async (
        messageRequest: MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"],
      ) => {
        const { messages } = await client.call({
          path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
          messages: [
            toBinary(
              ServerReflectionRequestSchema,
              create(ServerReflectionRequestSchema, { messageRequest }),
            ),
          ],
        });
        return fromBinary(ServerReflectionResponseSchema, messages[0]).messageResponse;
      };
      const services = await ask({ case: "listServices", value: "" });
      assert.ok(services.case === "listServicesResponse");
      assert.deepEqual(services.value.service.map(({ name }) => name), [
        "inference.GRPCInferenceService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
      ]);
      for (const symbol of ["inference.GRPCInferenceService.ModelInfer", "inference.ModelConfig"]) {
        const file = await ask({ case: "fileContainingSymbol", value: symbol });
        assert.equal(file.case, "fileDescriptorResponse");
      }
      const file = await ask({ case: "fileByFilename", value: "grpc_service.proto" });
      assert.ok(file.case === "fileDescriptorResponse");
      assert.equal(file.value.fileDescriptorProto.length, 2);
      const none = await ask({ case: "fileContainingSymbol", value: "x.Y" });
      assert.equal(none.case, "errorResponse");
    }));
});
