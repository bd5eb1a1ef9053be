/**
 * ModelStreamInfer as a state machine, against an engine in memory.
 *
 * @module
 */
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ModelInferRequestSchema,
  ModelStreamInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { TritonError } from "../../src/errors.ts";
import { InferStream } from "../../src/grpc/infer_stream.ts";
import { Inferences } from "../../src/grpc/inference.ts";
import { sharedMemoryOf } from "../../src/kserve/shared_memory_registry.ts";
import { FakeGrpcEngine, type FakeInference } from "../support/fake_grpc_engine.ts";

/** A stream with its sink: what it sent, in short. */
class Bench {
  readonly engine = new FakeGrpcEngine();
  /** `id`, then `!text` for an error, `.` for a final response, `~` for one without outputs. */
  readonly sent: string[] = [];
  readonly pauses: boolean[] = [];
  readonly stream: InferStream;
  /** What the sink's `send()` returns. */
  takes = true;
  end: "open" | "ok" | TritonError = "open";

  constructor(statusMode = false, maxWaiting?: number) {
    for (const name of ["plain", "other", "decoupled"]) this.engine.models.set(name, () => {});
    this.engine.decoupled.add("decoupled");
    this.stream = new InferStream(
      new Inferences(this.engine, undefined, sharedMemoryOf(this.engine, false)),
      [],
      {
        send: (frame) => {
          this.sent.push(describeFrame(frame));
          return this.takes;
        },
        finish: (error) => {
          assert.equal(this.end, "open");
          this.end = error ?? "ok";
        },
        pause: (paused) => this.pauses.push(paused),
      },
      statusMode,
      maxWaiting,
    );
  }

  request(
    modelName: string,
    id: string,
    init: MessageInitShape<typeof ModelInferRequestSchema> = {},
  ): FakeInference {
    this.stream.request(create(ModelInferRequestSchema, { modelName, id, ...init }));
    return this.engine.inferences[this.engine.inferences.length - 1];
  }
}

function describeFrame(frame: Uint8Array): string {
  const { errorMessage, inferResponse } = fromBinary(
    ModelStreamInferResponseSchema,
    frame.subarray(5),
  );
  assert.ok(inferResponse);
  const { id, modelName, modelVersion, parameters } = inferResponse;
  const final = parameters.triton_final_response?.parameterChoice.value;
  const names = final === undefined ? "" : `(${modelName}/${modelVersion})`;
  return id + names + (errorMessage && `!${errorMessage}`) + (final === true ? "." : "");
}

const EMPTY_FINAL: MessageInitShape<typeof ModelInferRequestSchema> = {
  parameters: {
    triton_enable_empty_final_response: { parameterChoice: { case: "boolParam", value: true } },
  },
};

describe("InferStream: order", () => {
  it("answers models that are not decoupled in the order of the requests", () => {
    const bench = new Bench();
    const first = bench.request("plain", "1");
    const second = bench.request("other", "2");
    second.respond();
    assert.deepEqual(bench.sent, []);
    first.respond();
    assert.deepEqual(bench.sent, ["1(plain/1).", "2(other/1)."]);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("lets decoupled responses pass", () => {
    const bench = new Bench();
    bench.request("plain", "1");
    const decoupled = bench.request("decoupled", "2");
    decoupled.respond({ final: false });
    decoupled.respond();
    assert.deepEqual(bench.sent, ["2(decoupled/1)", "2(decoupled/1)."]);
  });

  it("keeps refusals in order too, unless the model is decoupled", () => {
    const bench = new Bench();
    const first = bench.request("plain", "1");
    bench.request("nope", "2");
    bench.request("decoupled", "3", { inputs: [{ name: "A" }] });
    assert.deepEqual(bench.sent, [
      "3!unable to find data for input tensor 'A' for model 'decoupled' in request.",
    ]);
    first.respond();
    assert.deepEqual(bench.sent.slice(1), [
      "1(plain/1).",
      "2!Request for unknown model: 'nope' is not found",
    ]);
  });

  it("refuses a wrong number of responses", () => {
    const bench = new Bench();
    const twice = bench.request("plain", "1");
    twice.respond({ final: false });
    twice.respond();
    bench.request("plain", "2").end();
    assert.deepEqual(bench.sent, [
      "1!expected a single response, got 2",
      "2!expected a single response, got 0",
    ]);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("waits for the end mark of a model that is not decoupled", () => {
    const bench = new Bench();
    const inference = bench.request("plain", "1");
    inference.respond({ final: false });
    assert.deepEqual(bench.sent, []);
    inference.end();
    assert.deepEqual(bench.sent, ["1(plain/1)."]);
    assert.equal(bench.engine.unreleased, 0);
  });
});

describe("InferStream: ends and failures", () => {
  it("sends an empty final response only where it was asked for", () => {
    const bench = new Bench();
    bench.request("decoupled", "1").end();
    assert.deepEqual(bench.sent, []);
    bench.request("decoupled", "2", { ...EMPTY_FINAL, modelVersion: "3" }).end();
    assert.deepEqual(bench.sent, ["2(decoupled/3)."]);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("names model and version of the request in a model's failure, and goes on", () => {
    const bench = new Bench();
    const inference = bench.request("decoupled", "1", { modelVersion: "4" });
    inference.respond({ error: new TritonError("INTERNAL", "oops"), final: false });
    inference.respond();
    assert.deepEqual(bench.sent, ["1(decoupled/4)!oops", "1(decoupled/1)."]);
  });

  it("ends after the half close when all is answered", () => {
    const bench = new Bench();
    const inference = bench.request("decoupled", "1");
    bench.stream.end();
    assert.equal(bench.end, "open");
    inference.end();
    assert.equal(bench.end, "ok");
    const empty = new Bench();
    empty.stream.end();
    assert.equal(empty.end, "ok");
  });

  it("cancels everything when the client goes, and releases what still comes", () => {
    const bench = new Bench();
    const plain = bench.request("plain", "1");
    const decoupled = bench.request("decoupled", "2");
    bench.stream.cancel();
    assert.ok(plain.cancelled && decoupled.cancelled);
    plain.respond();
    decoupled.respond({ final: false });
    decoupled.end();
    bench.stream.end();
    assert.deepEqual(bench.sent, []);
    assert.equal(bench.end, "open");
    assert.equal(bench.engine.unreleased, 0);
  });

  it("refuses in turn what it is told to", () => {
    const bench = new Bench();
    const message = create(ModelInferRequestSchema, { id: "1" });
    bench.stream.refuse(message, new TritonError("UNAVAILABLE", "closing"));
    assert.deepEqual(bench.sent, ["1!closing"]);
  });
});

describe("InferStream: triton_grpc_error", () => {
  const failure = new TritonError("NOT_FOUND", "gone");

  it("ends with the first failure of a model and drops all else", () => {
    const bench = new Bench(true);
    const waiting = bench.request("plain", "1");
    const later = bench.request("plain", "2");
    const failing = bench.request("decoupled", "3");
    later.respond();
    failing.respond({ error: failure, final: false });
    assert.equal(bench.end, failure);
    assert.ok(waiting.cancelled && failing.cancelled);
    failing.respond();
    waiting.respond();
    bench.request("plain", "4");
    bench.stream.end();
    assert.deepEqual(bench.sent, []);
    assert.equal(bench.engine.inferences.length, 3);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("ends with the failure of a response that cannot be sent", () => {
    const bench = new Bench(true);
    bench.request("plain", "1", {
      outputs: [{
        name: "O",
        parameters: { classification: { parameterChoice: { case: "int64Param", value: 1n } } },
      }],
    }).respond({
      outputs: [{ name: "O", datatype: "BOOL", shape: [1], byteSize: 1, data: Uint8Array.of(1) }],
    });
    assert.ok(bench.end instanceof TritonError);
    assert.equal(
      bench.end.message,
      "class result not available for output due to unsupported type 'BOOL'",
    );
    assert.deepEqual(bench.sent, []);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("ends well when a model goes between a request for classes and the question for its batch", () => {
    const bench = new Bench();
    bench.engine.hasBatchDimension = () => {
      throw new TritonError("NOT_FOUND", "Request for unknown model: 'plain' is not found");
    };
    bench.request("plain", "1", {
      outputs: [{
        name: "O",
        parameters: { classification: { parameterChoice: { case: "int64Param", value: 1n } } },
      }],
    }).respond({
      outputs: [{ name: "O", datatype: "FP32", shape: [1], byteSize: 4, data: new Uint8Array(4) }],
    });
    assert.deepEqual(bench.sent, ["1(plain/)!Request for unknown model: 'plain' is not found."]);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("leaves refusals in messages", () => {
    const bench = new Bench(true);
    bench.request("nope", "1");
    assert.deepEqual(bench.sent, ["1!Request for unknown model: 'nope' is not found"]);
    assert.equal(bench.end, "open");
  });
});

describe("InferStream: a client that does not read", () => {
  const megabytes = (count: number) => ({
    final: false,
    outputs: [{
      name: "O",
      datatype: "UINT8",
      shape: [count << 20],
      data: new Uint8Array(count << 20),
      byteSize: count << 20,
    }],
  });

  it("keeps responses in the server's memory and holds requests back", () => {
    const bench = new Bench();
    const inference = bench.request("decoupled", "1");
    bench.takes = false;
    inference.respond(megabytes(1));
    assert.equal(bench.sent.length, 1);
    for (let count = 0; count < 4; count++) inference.respond(megabytes(16));
    assert.equal(bench.sent.length, 1);
    assert.equal(bench.engine.unreleased, 4);
    assert.deepEqual(bench.pauses, [true]);
    bench.takes = true;
    bench.stream.writable();
    assert.equal(bench.sent.length, 5);
    assert.equal(bench.engine.unreleased, 0);
    assert.deepEqual(bench.pauses, [true, false]);
  });

  it("holds a model of whose responses as many wait as may", () => {
    const bench = new Bench(false, 2);
    const slow = bench.request("decoupled", "1");
    const other = bench.request("decoupled", "2");
    slow.respond({ final: false });
    bench.takes = false;
    other.respond({ final: false });
    slow.respond({ final: false });
    assert.deepEqual(slow.holds, []);
    slow.respond({ final: false });
    assert.deepEqual(slow.holds, [true]);
    // One that was under way changes nothing.
    slow.respond({ final: false });
    assert.deepEqual(slow.holds, [true]);
    bench.stream.writable();
    bench.stream.writable();
    assert.deepEqual(slow.holds, [true, false]);
    assert.deepEqual(other.holds, []);
    // The client may still ask for more.
    assert.deepEqual(bench.pauses, []);
    slow.respond({ final: false });
    slow.respond();
    assert.deepEqual(slow.holds, [true, false, true]);
    bench.takes = true;
    bench.stream.writable();
    // It has ended, and waits for nothing.
    assert.deepEqual(slow.holds, [true, false, true]);
    assert.equal(bench.engine.unreleased, 0);
  });

  it("holds every model, also of new requests, while too many bytes wait", () => {
    const bench = new Bench();
    const first = bench.request("decoupled", "1");
    bench.takes = false;
    first.respond(megabytes(1));
    first.respond(megabytes(64));
    const second = bench.request("decoupled", "2");
    assert.deepEqual([first.holds, second.holds], [[true], [true]]);
    bench.takes = true;
    bench.stream.writable();
    assert.deepEqual([first.holds, second.holds], [[true, false], [true, false]]);
  });

  it("does not end before it has sent everything", () => {
    const bench = new Bench();
    const inference = bench.request("decoupled", "1");
    bench.takes = false;
    inference.respond({ final: false });
    inference.respond();
    bench.stream.end();
    assert.equal(bench.end, "open");
    bench.takes = true;
    bench.stream.writable();
    assert.equal(bench.end, "ok");
  });
});
