/**
 * Numbers put into bytes by arithmetic, against what the runtime makes of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { INTEGER_SIZE, putInteger } from "../../src/kserve/json/digits.ts";
import { DOUBLE_SIZE, doubleText, putDouble } from "../../src/kserve/json/doubles.ts";
import { writeNumbers } from "../../src/kserve/json/tensor_writer.ts";
import { JsonWriter } from "../../src/kserve/json/writer.ts";
import { Random } from "../support/random.ts";

const words = new Uint32Array(2);
const float32 = new Float32Array(words.buffer);
const float64 = new Float64Array(words.buffer);
const target = new Uint8Array(DOUBLE_SIZE + 8);
const decoder = new TextDecoder();

/** What `put` writes, which must not be more than `size` bytes. */
function written(
  put: (target: Uint8Array, at: number, value: number) => number,
  value: number,
  size: number,
): string {
  const end = put(target, 3, value);
  assert.ok(end - 3 <= size);
  return decoder.decode(target.subarray(3, end));
}

function checkDouble(value: number): void {
  assert.equal(written(putDouble, value, DOUBLE_SIZE), doubleText(value));
}

function bits(random: Random): number {
  return random.below(2 ** 16) * 2 ** 16 + random.below(2 ** 16);
}

describe("putDouble() writes what String() writes", () => {
  const kinds: Record<string, (random: Random) => number> = {
    "any 32-bit float": (random) => {
      words[0] = bits(random);
      return float32[0];
    },
    "32-bit floats between 1e-7 and 1e15": (random) => {
      words[0] = (bits(random) & 0x807f_ffff) | ((103 + random.below(75)) << 23);
      return float32[0];
    },
    "doubles between 1e-7 and 1e15": (random) => {
      words[0] = bits(random);
      words[1] = (bits(random) & 0x800f_ffff) | ((999 + random.below(75)) << 20);
      return float64[0];
    },
    "few decimals": (random) => (bits(random) - 2 ** 31) / 10 ** random.below(12),
    "up to seventeen digits": (random) =>
      Number((bits(random) * 10 ** (random.below(24) - 17)).toPrecision(1 + random.below(17))),
    "exact fractions": (random) => random.below(4096) / 2 ** random.below(24),
    "whole numbers": (random) => bits(random) * 2 ** random.below(40),
  };
  for (const [name, make] of Object.entries(kinds)) {
    test(name, () => {
      const random = new Random(20);
      for (let index = 0; index < 50_000; index++) checkDouble(make(random));
    });
  }

  test("powers and their neighbours", () => {
    for (let power = -330; power < 310; power++) {
      for (
        const value of [2 ** power, Number(`1e${power}`), Number(`9.999999999999999e${power}`)]
      ) {
        for (const step of [-1, 0, 1]) {
          float64[0] = value;
          words[0] += step;
          checkDouble(float64[0]);
          checkDouble(-float64[0]);
        }
      }
    }
  });

  test("zeros and the bounds of the short way", () => {
    for (const value of [0, -0, 0.001, 0.999, 2147483.647, 2147483.648, -2147483.648, 1e-6]) {
      checkDouble(value);
    }
  });
});

test("putInteger() writes what String() writes", () => {
  const random = new Random(21);
  for (let index = 0; index < 100_000; index++) {
    const value = Math.trunc((bits(random) - 2 ** 31) * 2 ** (random.below(53) - 31));
    assert.equal(written(putInteger, value, INTEGER_SIZE), String(value));
  }
  for (let power = 0; power < 16; power++) {
    for (const value of [10 ** power - 1, 10 ** power, 10 ** power + 1, 2 ** 31, 2 ** 53 - 1]) {
      assert.equal(written(putInteger, value, INTEGER_SIZE), String(value));
      assert.equal(written(putInteger, -value, INTEGER_SIZE), String(-value));
    }
  }
});

describe("writeNumbers() reads tensors at any address", () => {
  const types = {
    BOOL: (view: DataView, at: number) => view.getUint8(at) !== 0,
    UINT8: (view: DataView, at: number) => view.getUint8(at),
    UINT16: (view: DataView, at: number) => view.getUint16(at, true),
    UINT32: (view: DataView, at: number) => view.getUint32(at, true),
    UINT64: (view: DataView, at: number) => view.getBigUint64(at, true),
    INT8: (view: DataView, at: number) => view.getInt8(at),
    INT16: (view: DataView, at: number) => view.getInt16(at, true),
    INT32: (view: DataView, at: number) => view.getInt32(at, true),
    INT64: (view: DataView, at: number) => view.getBigInt64(at, true),
    FP32: (view: DataView, at: number) => doubleText(view.getFloat32(at, true)),
    FP64: (view: DataView, at: number) => doubleText(view.getFloat64(at, true)),
  } as const;
  const sizes = { 8: 1, 16: 2, 32: 4, 64: 8 } as const;
  for (const datatype of Object.keys(types) as (keyof typeof types)[]) {
    test(datatype, () => {
      const size = sizes[Number(/\d+$/.exec(datatype)?.[0] ?? 8) as keyof typeof sizes];
      const random = new Random(22);
      for (let offset = 0; offset < 40; offset++) {
        const count = random.below(100);
        const data = random.bytes(offset + count * size).subarray(offset);
        // Small ones too, whose upper halves are zeros or ones.
        for (let at = 0; at < data.length; at++) {
          if (offset % 4 > 1 && at % size > size / 2) data[at] = offset % 4 === 2 ? 0 : 0xff;
        }
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        const expected = Array.from({ length: count }, (_, i) => types[datatype](view, i * size));
        const writer = new JsonWriter(1);
        writeNumbers(writer, datatype, data, count);
        assert.equal(decoder.decode(writer.bytes()), expected.join(","));
      }
    });
  }
});

test("texts that grow side by side do not touch", () => {
  const random = new Random(23);
  for (let round = 0; round < 200; round++) {
    const writers = Array.from({ length: 5 }, () => new JsonWriter(1 + random.below(300)));
    const texts = writers.map(() => "");
    for (let step = 0; step < 100; step++) {
      const index = random.below(writers.length);
      const text = String(index).repeat(random.below(60));
      writers[index].raw(text);
      texts[index] += text;
    }
    const bytes = writers.map((writer) => writer.bytes());
    assert.deepEqual(bytes.map((one) => decoder.decode(one)), texts);
  }
});
