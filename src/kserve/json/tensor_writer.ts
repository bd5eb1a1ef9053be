/**
 * Writing a tensor's elements as JSON values, straight from its bytes.
 *
 * @module
 */
import { datatypeByteSize } from "../../datatype.ts";
import { INTEGER_SIZE, putInteger } from "./digits.ts";
import { DOUBLE_SIZE, putDouble } from "./doubles.ts";
import type { JsonDataType } from "./tensor.ts";
import type { JsonWriter } from "./writer.ts";

const COMMA = 0x2c;
const TRUE = [0x74, 0x72, 0x75, 0x65], FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65];

/** Room is made for this many elements at a time. */
const CHUNK = 32;

/** The most bytes of an element: a double, or 20 digits. */
const ELEMENT_SIZE = Math.max(DOUBLE_SIZE, INTEGER_SIZE, 20) + 1;

/** The types as numbers, which the loop can tell apart faster than names. */
const CODES = {
  BOOL: 0,
  UINT8: 1,
  UINT16: 2,
  UINT32: 3,
  INT8: 4,
  INT16: 5,
  INT32: 6,
  FP32: 7,
  FP64: 8,
  UINT64: 9,
  INT64: 10,
} as const satisfies Record<JsonDataType, number>;

const words = new Uint32Array(2);
const float32 = new Float32Array(words.buffer);
const float64 = new Float64Array(words.buffer);

/** Puts `count` elements of `datatype` from `data` to `writer`, with commas between them. */
export function writeNumbers(
  writer: JsonWriter,
  datatype: JsonDataType,
  data: Uint8Array,
  count: number,
): void {
  const code = CODES[datatype];
  const size = datatypeByteSize(datatype);
  for (let start = 0; start < count; start += CHUNK) {
    const end = Math.min(count, start + CHUNK);
    let to = writer.reserve((end - start) * ELEMENT_SIZE);
    const target = writer.target;
    for (let index = start; index < end; index++) {
      if (index > 0) target[to++] = COMMA;
      to = putElement(target, to, code, data, index * size);
    }
    writer.advance(to);
  }
}

/** Puts the element at `at` of `data`, wherever that lies: tensors need not be aligned. */
function putElement(
  target: Uint8Array,
  to: number,
  code: number,
  data: Uint8Array,
  at: number,
): number {
  switch (code) {
    case CODES.FP32:
      words[0] = word(data, at);
      return putDouble(target, to, float32[0]);
    case CODES.FP64:
      words[0] = word(data, at);
      words[1] = word(data, at + 4);
      return putDouble(target, to, float64[0]);
    case CODES.INT32:
      return putInteger(target, to, word(data, at));
    case CODES.INT64:
      return putWide(target, to, word(data, at) >>> 0, word(data, at + 4));
    case CODES.UINT64:
      return putWide(target, to, word(data, at) >>> 0, word(data, at + 4) >>> 0);
    case CODES.UINT32:
      return putInteger(target, to, word(data, at) >>> 0);
    case CODES.INT16:
      return putInteger(target, to, ((data[at] | (data[at + 1] << 8)) << 16) >> 16);
    case CODES.UINT16:
      return putInteger(target, to, data[at] | (data[at + 1] << 8));
    case CODES.INT8:
      return putInteger(target, to, (data[at] << 24) >> 24);
    case CODES.UINT8:
      return putInteger(target, to, data[at]);
    default:
      for (const byte of data[at] !== 0 ? TRUE : FALSE) target[to++] = byte;
      return to;
  }
}

/** The 32 bits at `at` of little-endian data. */
function word(data: Uint8Array, at: number): number {
  return data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
}

/** Puts an integer of 64 bits, whose high half has the sign. Below 2^53 a number is exact, and far cheaper than a bigint. */
function putWide(target: Uint8Array, to: number, low: number, high: number): number {
  if (high < 0x20_0000 && high >= -0x20_0000) {
    return putInteger(target, to, high * 0x1_0000_0000 + low);
  }
  const text = String((BigInt(high) << 32n) | BigInt(low));
  for (let index = 0; index < text.length; index++) target[to++] = text.charCodeAt(index);
  return to;
}

/**
 * Puts the strings of a BYTES tensor, each behind its 32-bit length, and returns how many there were;
 * -1 when the lengths do not fit the data.
 */
export function writeStrings(writer: JsonWriter, data: Uint8Array): number {
  let count = 0;
  let at = 0;
  while (at < data.length) {
    if (at + 4 > data.length) return -1;
    const length = word(data, at) >>> 0;
    at += 4;
    if (at + length > data.length) return -1;
    if (count++ > 0) writer.raw(",");
    writer.stringBytes(data, at, at + length);
    at += length;
  }
  return count;
}
