/**
 * From ModelInferRequest to the engine's request: data, parameters, texts of refusals.
 *
 * @module
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModelInferRequestSchema } from "../../proto/gen/grpc_service_pb.ts";
import type { InferParameterSchema } from "../../proto/gen/grpc_service_pb.ts";
import { type ParsedRequest, parseInferRequest } from "../../src/grpc/infer_request.ts";
import { SharedMemory } from "../../src/kserve/shared_memory_registry.ts";
import type { ParameterValue } from "../../src/engine.ts";
import { FakeMemory } from "../support/fake_memory.ts";

type Init = MessageInitShape<typeof ModelInferRequestSchema>;
type Choice = NonNullable<MessageInitShape<typeof InferParameterSchema>["parameterChoice"]>;

function parse(init: Init, forwarded: [string, ParameterValue][] = []): ParsedRequest {
  const message = create(ModelInferRequestSchema, { modelName: "m", ...init });
  const regions = new SharedMemory({ clientMemory: new FakeMemory() });
  return parseInferRequest(message, -1, () => forwarded, regions);
}

function parameters(entries: Record<string, Choice>): Init["parameters"] {
  return Object.fromEntries(
    Object.entries(entries).map(([name, parameterChoice]) => [name, { parameterChoice }]),
  );
}

function refuses(init: Init, message: string, code = "INVALID_ARG"): void {
  assert.throws(() => parse(init), { code, message });
}

const bool: Choice = { case: "boolParam", value: true };
const one: Choice = { case: "int64Param", value: 1n };
const word: Choice = { case: "stringParam", value: "w" };
const input = (name: string, datatype = "INT32") => ({ name, datatype, shape: [1n] });
const raw = new Uint8Array(4);

describe("request parameters", () => {
  it("sets options and hands the rest on in order, headers last", () => {
    const { request, enableEmptyFinalResponse } = parse({
      id: "7",
      parameters: parameters({
        sequence_id: { case: "int64Param", value: -1n },
        sequence_start: bool,
        sequence_end: bool,
        priority: { case: "uint64Param", value: 5n },
        timeout: { case: "int64Param", value: -1n },
        triton_enable_empty_final_response: bool,
        i: one,
        b: bool,
        s: word,
        d: { case: "doubleParam", value: 1.5 },
        headers: word,
      }),
    }, [["x-a", "h"]]);
    assert.equal(request.id, "7");
    assert.equal(request.flags, 3);
    assert.equal(request.correlationId, 2n ** 64n - 1n);
    assert.equal(request.priority, 5n);
    assert.equal(request.timeoutMicroseconds, 2n ** 64n - 1n);
    assert.equal(enableEmptyFinalResponse, true);
    assert.deepEqual(request.parameters, [
      ["i", 1n],
      ["b", true],
      ["s", "w"],
      ["d", 1.5],
      ["headers", "w"],
      ["x-a", "h"],
    ]);
  });

  it("takes a text for a sequence, up to 128 bytes", () => {
    const sequence = (value: string) => ({
      parameters: parameters({ sequence_id: { case: "stringParam", value } }),
    });
    assert.equal(parse(sequence("a".repeat(128))).request.correlationId, "a".repeat(128));
    refuses(
      sequence("é".repeat(65)),
      "string correlation ID cannot be longer than 128 characters",
      "UNSUPPORTED",
    );
  });

  it("refuses wrong types with Triton's texts", () => {
    const reserved =
      "parameter keys starting with 'triton_' are reserved for Triton usage. Only the following " +
      "keys starting with 'triton_' are allowed: triton_enable_empty_final_response";
    const type = (name: string, expected: string) =>
      `invalid value type for '${name}' parameter, expected ${expected}.`;
    const none: Choice = { case: undefined };
    const table: [string, Choice, string][] = [
      ["sequence_id", bool, type("sequence_id", "int64_param or string_param")],
      ["sequence_start", one, type("sequence_start", "bool_param")],
      ["sequence_end", word, type("sequence_end", "bool_param")],
      ["priority", word, type("priority", "int64_param or uint64_param")],
      [
        "priority",
        { case: "int64Param", value: -1n },
        "invalid value for 'priority', expected value >= 0.",
      ],
      ["timeout", { case: "uint64Param", value: 1n }, type("timeout", "int64_param")],
      [
        "triton_enable_empty_final_response",
        one,
        type("triton_enable_empty_final_response", "bool_param"),
      ],
      ["triton_other", bool, reserved],
      [
        "u",
        { case: "uint64Param", value: 1n },
        type("u", "int64_param, bool_param, or string_param"),
      ],
      ["n", none, type("n", "int64_param, bool_param, or string_param")],
    ];
    for (const [name, choice, message] of table) {
      refuses({ parameters: parameters({ [name]: choice }) }, message);
    }
  });
});

describe("input data", () => {
  it("takes raw contents in order and ignores surplus ones", () => {
    const { request } = parse({
      inputs: [input("A"), input("B")],
      rawInputContents: [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)],
    });
    assert.deepEqual(request.inputs.map(({ data }) => data), [
      Uint8Array.of(1),
      Uint8Array.of(2),
    ]);
    assert.deepEqual(request.inputs[0].shape, [1n]);
  });

  it("lays typed contents out as Triton does", () => {
    const data = (
      datatype: string,
      contents: object,
    ) => [
      ...parse({ inputs: [{ ...input("A", datatype), contents }] }).request.inputs[0]
        .data as Uint8Array,
    ];
    assert.deepEqual(data("BOOL", { boolContents: [true, false] }), [1, 0]);
    assert.deepEqual(data("INT8", { intContents: [300, -1] }), [44, 255]);
    assert.deepEqual(data("INT16", { intContents: [258] }), [2, 1]);
    assert.deepEqual(data("INT32", { intContents: [-2] }), [254, 255, 255, 255]);
    assert.deepEqual(data("INT64", { int64Contents: [1n] }), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(data("UINT8", { uintContents: [257] }), [1]);
    assert.deepEqual(data("UINT16", { uintContents: [65537] }), [1, 0]);
    assert.deepEqual(data("UINT32", { uintContents: [4294967295] }), [255, 255, 255, 255]);
    assert.deepEqual(data("UINT64", { uint64Contents: [2n ** 64n - 1n] }), Array(8).fill(255));
    assert.deepEqual(data("FP32", { fp32Contents: [1] }), [0, 0, 128, 63]);
    assert.deepEqual(data("FP64", { fp64Contents: [1] }), [0, 0, 0, 0, 0, 0, 240, 63]);
    const elements = [Uint8Array.of(7, 8), new Uint8Array(0)];
    assert.deepEqual(data("BYTES", { bytesContents: elements }), [2, 0, 0, 0, 7, 8, 0, 0, 0, 0]);
    assert.deepEqual(data("INT32", {}), []);
  });

  it("refuses with Triton's texts", () => {
    const explicit = "unexpected explicit tensor data for input tensor 'A' for model 'm'";
    refuses(
      { inputs: [{ ...input("A"), contents: {} }], rawInputContents: [raw] },
      "contents field must not be specified when using raw_input_contents for 'A' for model 'm'",
    );
    refuses(
      { inputs: [input("A"), input("B")], rawInputContents: [raw] },
      "unable to find data for input tensor 'B' for model 'm' in request.",
    );
    refuses(
      { inputs: [{ ...input("A"), contents: { fp32Contents: [1] } }] },
      `${explicit} of type 'FP32', expected datatype 'INT32'`,
    );
    refuses(
      { inputs: [{ ...input("A", "FP16"), contents: { intContents: [1] } }] },
      `${explicit} of type 'INT32', expected datatype 'FP16'`,
    );
    refuses(
      { inputs: [{ ...input("A", "int32"), contents: { intContents: [1] } }] },
      `${explicit} of type 'INT32', expected datatype '<invalid>'`,
    );
    refuses(
      { inputs: [{ ...input("A"), contents: { intContents: [1], int64Contents: [1n] } }] },
      `${explicit}, binary data was already supplied.`,
    );
  });
});

describe("shared memory and classification", () => {
  const region: Choice = { case: "stringParam", value: "r" };
  const withParameters = (entries: Record<string, Choice>, more: object = {}): Init => ({
    inputs: [{ ...input("A"), parameters: parameters(entries), ...more }],
  });

  it("refuses incomplete places with Triton's texts", () => {
    const type = (name: string, expected: string) =>
      `invalid value type for '${name}' parameter for tensor 'A', expected ${expected}.`;
    refuses(
      withParameters({ shared_memory_region: one }),
      type("shared_memory_region", "string_param"),
    );
    refuses(
      withParameters({ shared_memory_region: region, shared_memory_offset: word }),
      type("shared_memory_offset", "int64_param"),
    );
    refuses(
      withParameters({
        shared_memory_region: region,
        shared_memory_byte_size: { case: "uint64Param", value: 1n },
      }),
      type("shared_memory_byte_size", "int64_param"),
    );
    for (const name of ["shared_memory_offset", "shared_memory_byte_size"]) {
      refuses(
        withParameters({ [name]: one }),
        `'${name}' can not be specified without 'shared_memory_region' parameter for tensor 'A'`,
      );
    }
    refuses(
      withParameters({ shared_memory_region: region }),
      "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter " +
        "for tensor 'A'",
    );
    const whole = { shared_memory_region: region, shared_memory_byte_size: one };
    refuses(
      withParameters(whole, { contents: {} }),
      "unexpected 'content' provided when using shared memory for input tensor 'A' for model 'm'",
    );
    refuses(withParameters(whole), "Unable to find shared memory region: 'r'", "NOT_FOUND");
  });

  it("counts classes by output", () => {
    const classes = (choice: Choice): Init => ({
      outputs: [{ name: "O", parameters: parameters({ classification: choice }) }],
    });
    const parsed = parse(classes({ case: "int64Param", value: 3n }));
    assert.deepEqual([...parsed.classifications], [["O", 3]]);
    assert.equal(parsed.request.wantsLabels, true);
    assert.deepEqual(parsed.request.outputs, [{ name: "O" }]);
    refuses(
      classes(word),
      "invalid value type for 'classification' parameter, expected int64_param",
    );
    refuses(
      classes({ case: "int64Param", value: 0n }),
      "invalid value for 'classification' parameter, expected >= 0",
    );
    refuses({
      outputs: [{
        name: "O",
        parameters: parameters({
          classification: one,
          shared_memory_region: region,
          shared_memory_byte_size: one,
        }),
      }],
    }, "output can't set both 'shared_memory_region' and 'classification'");
  });

  it("refuses an output that is asked for twice", () => {
    refuses(
      { id: "5", outputs: [{ name: "O" }, { name: "O" }] },
      "[request id: 5] output 'O' already exists in request",
    );
  });

  it("refuses an input that comes twice before it looks at headers and data", () => {
    const init: Init = {
      inputs: [input("A"), input("B"), input("A")],
      outputs: [{ name: "O" }, { name: "O" }],
    };
    const message = create(ModelInferRequestSchema, { modelName: "m", ...init });
    const regions = new SharedMemory({ clientMemory: new FakeMemory() });
    assert.throws(
      () => parseInferRequest(message, -1, () => assert.fail("headers are read"), regions),
      {
        code: "INVALID_ARG",
        message: "[request id: <id_unknown>] input 'A' already exists in request",
      },
    );
  });
});
