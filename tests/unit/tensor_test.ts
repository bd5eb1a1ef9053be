/** Tensors, byte strings, half precision and errors: pure modules. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { packByteStrings, unpackByteStrings } from "../../src/byte_strings.ts";
import { datatypeName, datatypeNumber } from "../../src/datatype.ts";
import type { EngineResponse } from "../../src/engine.ts";
import { TritonError } from "../../src/errors.ts";
import { fromBfloat16, toBfloat16 } from "../../src/float16.ts";
import { InferenceResponse } from "../../src/server/inference.ts";
import { checkShapeLimits } from "../../src/server/shape_limits.ts";
import { Tensor } from "../../src/tensor.ts";

test("Tensor.from() takes the data type from the source", () => {
  const cases: [Parameters<typeof Tensor.from>[0], string][] = [
    [new Uint8Array(1), "UINT8"],
    [new Int16Array(1), "INT16"],
    [new BigUint64Array(1), "UINT64"],
    [new Float16Array(1), "FP16"],
    [new Float64Array(1), "FP64"],
    [["a"], "BYTES"],
    [[new Uint8Array(2)], "BYTES"],
    [[true], "BOOL"],
  ];
  for (const [source, datatype] of cases) assert.equal(Tensor.from(source).datatype, datatype);
});

test("Tensor.from() uses a typed array in place and copies the rest", () => {
  const source = new Float32Array([1, 2]);
  const tensor = Tensor.from(source);
  source[0] = 9;
  assert.deepEqual(tensor.toArray(), [9, 2]);
});

test("Tensor.from() refuses what does not fit, by name", () => {
  assert.throws(() => Tensor.from([1]), /plain numbers/);
  assert.throws(() => Tensor.from([]), /an empty array/);
  assert.throws(() => Tensor.from(new Int8Array(2), { shape: [3] }), /2 elements the shape \[3\]/);
  assert.throws(() => Tensor.from(new Int8Array(2), { shape: [-2] }), /-2 is not a dimension/);
  assert.throws(
    () => Tensor.from(new Int8Array(2), { datatype: "FP32" }),
    /from Int8Array: it needs Float32Array/,
  );
  assert.throws(() => Tensor.from(["a"], { datatype: "INT8" }), /from texts/);
  assert.throws(() => Tensor.from(new Int8Array(2), { datatype: "BYTES" }), /give texts/);
  assert.throws(() => new Tensor("FP32", [2], new Uint8Array(7)), /from 7 bytes: it needs 8/);
});

test("data reads elements that lie unaligned, also in a pool of Node's", () => {
  const pool = Buffer.from(new Uint8Array([255, 0, 0, 192, 63, 0, 0, 32, 64, 255]));
  for (const bytes of [pool.subarray(1, 9), new Uint8Array(pool).subarray(1, 9)]) {
    assert.deepEqual(new Tensor("FP32", [2], bytes).toArray(), [1.5, 2.5]);
  }
});

test("a BYTES tensor has strings and no numbers, the others the reverse", () => {
  const text = Tensor.from(["é", ""]);
  assert.deepEqual(text.strings(), ["é", ""]);
  assert.throws(() => text.data, /use strings\(\)/);
  assert.throws(() => Tensor.from([true]).strings(), /Cannot read a BOOL tensor/);
});

test("byte strings are packed behind their lengths, and cut ones are refused", () => {
  const packed = packByteStrings(["ab", new Uint8Array([255])]);
  assert.deepEqual([...packed], [2, 0, 0, 0, 97, 98, 1, 0, 0, 0, 255]);
  assert.deepEqual(unpackByteStrings(packed).map((item) => [...item]), [[97, 98], [255]]);
  for (const length of [1, 5, 9]) {
    assert.throws(() => unpackByteStrings(packed.subarray(0, length)), /cut|needs/);
  }
});

test("BF16 rounds to the nearest, ties to even, and keeps NaN", () => {
  assert.deepEqual([...toBfloat16([1, -2, Infinity])], [0x3f80, 0xc000, 0x7f80]);
  assert.deepEqual([...toBfloat16([1.00390625, 1.01171875])], [0x3f80, 0x3f82]);
  assert.ok(Number.isNaN(fromBfloat16(toBfloat16([NaN]))[0]));
  assert.deepEqual([...fromBfloat16([0x3f80, 0xc000])], [1, -2]);
});

test("data types have the C library's numbers", () => {
  assert.equal(datatypeNumber("BYTES"), 13);
  assert.equal(datatypeName(14), "BF16");
  assert.equal(datatypeNumber("STRING"), 0);
  assert.equal(datatypeNumber("<invalid>"), 0);
  assert.equal(datatypeName(99), "<invalid>");
});

test("errors know their statuses", () => {
  assert.equal(TritonError.fromNumber(2, "x").httpStatus, 404);
  assert.equal(TritonError.fromNumber(7, "x").grpcStatus, 1);
  assert.equal(TritonError.fromNumber(99, "x").code, "UNKNOWN");
  const cause = new RangeError("r");
  assert.equal(TritonError.from(cause).code, "INTERNAL");
  assert.equal(TritonError.from(cause).cause, cause);
});

test("shapes that 64 bits cannot count are refused", () => {
  const check = (datatype: string, shape: (number | bigint)[]) =>
    checkShapeLimits({ name: "X", datatype, shape, data: new Uint8Array(0) });
  check("FP32", [2 ** 30, 2 ** 30]);
  check("FP32", [-1, 2 ** 62]);
  check("FP32", [0, 2 ** 62, 2 ** 62]);
  check("INT8", [2n ** 63n - 1n]);
  assert.throws(() => check("FP32", [2n ** 62n + 4n]), /byte size overflow for input 'X'/);
  assert.throws(() => check("INT8", [2 ** 32, 2 ** 31]), /shape \[4294967296,2147483648\] causes/);
});

test("a response that makes no tensor is released all the same", () => {
  let released = 0;
  const response = {
    parameters: [],
    outputs: [{ name: "X", datatype: "FP32", shape: [3], data: new Uint8Array(8), byteSize: 8 }],
    release: () => released++,
  } as unknown as EngineResponse;
  assert.throws(() => new InferenceResponse(response), RangeError);
  assert.equal(released, 1);
});
