/**
 * Runs of numbers, read while they are checked, against what the runtime reads.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type JsonDataType, readNumericTensor } from "../../src/kserve/json/tensor.ts";
import { type JsonValue, parseJson } from "../../src/kserve/json/value.ts";
import { Random } from "../support/random.ts";

const encoder = new TextEncoder();

function parse(text: string): JsonValue {
  return parseJson(encoder.encode(text));
}

function digits(random: Random, most: number): string {
  return Array.from({ length: 1 + random.below(most) }, () => random.below(10)).join("");
}

/** An integer as JSON has it: without zeros in front. */
function whole(random: Random, most: number): string {
  const sign = random.below(3) === 0 ? "-" : "";
  return sign + (digits(random, most).replace(/^0+/, "") || "0");
}

function decimal(random: Random): string {
  const point = random.below(6) > 0 ? "." + "0".repeat(random.below(4)) + digits(random, 20) : "";
  const exponent = random.below(12) === 0 ? `e${random.of(["", "+", "-"])}${random.below(30)}` : "";
  return whole(random, random.of([1, 4, 9, 12, 20])) + point + exponent;
}

/** The literals as an array, some of them in arrays of their own, with blanks here and there. */
function arrayText(random: Random, literals: readonly string[]): string {
  const isNested = random.below(2) === 0;
  const blanks = random.of([[","], [", "], [",", ", ", " ,", ",\n  "]]);
  let text = isNested ? "[[" : "[";
  literals.forEach((literal, index) => {
    if (index > 0) text += isNested && random.below(9) === 0 ? "], [" : random.of(blanks);
    text += literal;
  });
  return text + (isNested ? "]]" : "]");
}

/** What the literal stands for; integers have no negative zero. */
function double(literal: string): number {
  return /[.e]/.test(literal) ? Number(literal) : Number(literal) + 0;
}

describe("runs of numbers", () => {
  test("give the doubles that Number() gives", () => {
    const random = new Random(30);
    for (let round = 0; round < 2000; round++) {
      const literals = Array.from({ length: 1 + random.below(40) }, () => decimal(random));
      const array = parse(`{"a":[1,2,3,4,5],"b":${arrayText(random, literals)}}`).member("b")!;
      const expected = Float64Array.from(literals, double);
      const wide = readNumericTensor(array, "FP64", literals.length);
      assert.deepEqual(new Float64Array(wide.slice().buffer), expected);
      const narrow = readNumericTensor(array, "FP32", literals.length);
      assert.deepEqual(new Float32Array(narrow.slice().buffer), Float32Array.from(expected));
    }
  });

  test("give the integers that BigInt() gives", () => {
    const random = new Random(31);
    const types: JsonDataType[] = ["INT8", "INT16", "INT32", "INT64"];
    for (let round = 0; round < 2000; round++) {
      const most = random.of([2, 9, 15, 18]);
      const literals = Array.from({ length: 1 + random.below(40) }, () => whole(random, most));
      const text = arrayText(random, literals);
      for (const signed of types) {
        const size = Number(signed.slice(3)) / 8;
        const data = readNumericTensor(parse(text), signed, literals.length);
        const expected = BigInt64Array.from(literals, BigInt);
        for (let index = 0; index < literals.length; index++) {
          const bytes = new Uint8Array(expected.buffer, index * 8, size);
          assert.deepEqual(data.subarray(index * size, (index + 1) * size), bytes);
        }
        const read = () =>
          readNumericTensor(parse(text), `U${signed}` as JsonDataType, literals.length);
        if (expected.some((value) => value < 0n)) {
          assert.throws(read, /non-unsigned-integer as unsigned-integer/);
        } else {
          assert.deepEqual(read(), data);
        }
      }
    }
  });

  test("of doubles are no integers", () => {
    for (const last of ["4.0", "4e0", "NaN", "4.5", "1e40"]) {
      const array = parse(`[1,2,3,${last}]`);
      assert.throws(() => readNumericTensor(array, "INT32", 4), /non-signed-integer/);
    }
  });

  test("refuse what follows a zero in front", () => {
    assert.throws(() => parse("[1,2,3,04]"), /Missing a comma or ']' .* at 8/);
    assert.throws(() => parse("[1,2,3,-04.5]"), /Missing a comma or ']' .* at 9/);
  });

  test("are counted", () => {
    const array = parse("[[1,2,3,4],[5,6,7,8]]");
    for (const datatype of ["FP32", "INT64"] as const) {
      for (const count of [3, 7]) {
        assert.throws(() => readNumericTensor(array, datatype, count), /true shape of 'data'/);
      }
      assert.throws(() => readNumericTensor(array, datatype, 9), /shape does not match true shape/);
    }
  });

  test("beyond those that are kept are read as well", () => {
    const long = Array.from({ length: 70_000 }, (_, index) => index + 0.5);
    const many = Array.from({ length: 1500 }, (_, index) => [index, 1, 2, 3.5, 4]);
    const json = parse(JSON.stringify({ many, long }));
    const data = readNumericTensor(json.member("long")!, "FP32", long.length);
    assert.deepEqual(new Float32Array(data.slice().buffer), Float32Array.from(long));
    const rows = readNumericTensor(json.member("many")!, "FP64", many.length * 5);
    assert.deepEqual(new Float64Array(rows.slice().buffer), Float64Array.from(many.flat()));
    assert.equal(json.member("many")!.asArray()[1499].asArray()[0].asDouble(), 1499);
  });

  test("belong to their document", () => {
    const first = parse("[1,2,3,4,5]");
    const second = parse("[6,7,8,9,10]");
    for (const [json, start] of [[first, 1], [second, 6]] as const) {
      const data = readNumericTensor(json, "UINT8", 5);
      assert.deepEqual([...data], [0, 1, 2, 3, 4].map((step) => start + step));
    }
  });
});
