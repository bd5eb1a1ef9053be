/**
 * The frames of inference responses, checked with protobuf-es.
 *
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { joined } from "../../src/grpc/framing.ts";
import {
  encodeInferResponse,
  encodeStreamResponse,
  type ResponseFields,
} from "../../src/grpc/infer_response.ts";
import { varintSize } from "../../src/grpc/proto_writer.ts";

const FIELDS: ResponseFields = {
  modelName: "modèle",
  modelVersion: "12",
  id: "x".repeat(200),
  parameters: [
    ["s", "text"],
    ["empty", ""],
    ["b", false],
    ["i", -5n],
    ["big", 2n ** 62n],
    ["d", 1.25],
  ],
  outputs: [
    { name: "A", datatype: "INT32", shape: [1, 300], data: new Uint8Array(300).fill(3) },
    { name: "B", datatype: "BYTES", shape: [], data: new Uint8Array(0) },
  ],
  final: true,
};

describe("encodeInferResponse()", () => {
  it("writes what protobuf-es reads, byte for byte what it writes", () => {
    const frame = joined(encodeInferResponse(FIELDS));
    const message = fromBinary(ModelInferResponseSchema, frame.subarray(5));
    assert.deepEqual(new Uint8Array(toBinary(ModelInferResponseSchema, message)), frame.slice(5));
    assert.equal(message.modelName, "modèle");
    assert.equal(message.id, FIELDS.id);
    const choices = Object.entries(message.parameters).map(([name, { parameterChoice }]) => [
      name,
      parameterChoice.case,
      parameterChoice.value,
    ]);
    assert.deepEqual(choices, [
      ["s", "stringParam", "text"],
      ["empty", "stringParam", ""],
      ["b", "boolParam", false],
      ["i", "int64Param", -5n],
      ["big", "int64Param", 2n ** 62n],
      ["d", "doubleParam", 1.25],
      ["triton_final_response", "boolParam", true],
    ]);
    assert.deepEqual(message.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]), [
      ["A", "INT32", [1n, 300n]],
      ["B", "BYTES", []],
    ]);
    assert.deepEqual(message.rawOutputContents.map(({ length }) => length), [300, 0]);
  });

  it("leaves empty fields out", () => {
    assert.equal(
      joined(encodeInferResponse({ modelName: "", modelVersion: "", id: "" })).length,
      5,
    );
  });
});

describe("encodeInferResponse() of large tensors", () => {
  it("leaves the tensors where they are", () => {
    const data = new Uint8Array(20_000).fill(7);
    const small = Uint8Array.of(1, 2, 3);
    const tensor = (name: string, bytes: Uint8Array) => ({
      name,
      datatype: "UINT8",
      shape: [bytes.length],
      data: bytes,
    });
    const outputs = [tensor("A", data), tensor("B", new Uint8Array(0)), tensor("C", small)];
    const parts = encodeInferResponse({ modelName: "m", modelVersion: "1", id: "", outputs });
    assert.ok(parts.includes(data));
    const message = fromBinary(ModelInferResponseSchema, joined(parts).subarray(5));
    assert.deepEqual(
      message.rawOutputContents.map((bytes) => bytes.slice()),
      outputs.map(({ data }) => data),
    );
  });
});

describe("encodeStreamResponse()", () => {
  it("wraps a response", () => {
    const frame = encodeStreamResponse("", FIELDS);
    const message = fromBinary(ModelStreamInferResponseSchema, frame.subarray(5));
    assert.equal(message.errorMessage, "");
    assert.equal(message.inferResponse?.rawOutputContents[0].length, 300);
  });

  it("carries an error with the fields given", () => {
    const frame = encodeStreamResponse("bäd", { modelName: "", modelVersion: "", id: "9" });
    const message = fromBinary(ModelStreamInferResponseSchema, frame.subarray(5));
    assert.equal(message.errorMessage, "bäd");
    assert.equal(message.inferResponse?.id, "9");
    assert.deepEqual(message.inferResponse?.parameters, {});
  });
});

describe("varintSize()", () => {
  it("counts bytes", () => {
    assert.deepEqual([0, 127, 128, 16383, 16384, 2 ** 31, 2 ** 40].map(varintSize), [
      1,
      1,
      2,
      2,
      3,
      5,
      6,
    ]);
  });
});
