/**
 * Writing a tensor's elements as JSON values, straight from its bytes.
 *
 * @module
 */
import { doubleText, type JsonWriter } from "./writer.ts";

const LITTLE_ENDIAN = true;

/** Numbers become text this many at a time, so that the texts stay small. */
const CHUNK = 1024;

/** Puts `count` elements of `datatype` from `data` to `writer`, with commas between them. */
export type ElementWriter = (writer: JsonWriter, data: Uint8Array, count: number) => void;

type Numbers =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/**
 * A writer of elements that a typed array holds. `text` writes some of them: `join()` is the fastest way
 * that the runtimes have.
 */
function numbers<View extends Numbers>(
  View: { new (buffer: ArrayBufferLike, offset: number, length: number): View } & {
    readonly BYTES_PER_ELEMENT: number;
  },
  text: (elements: View) => string,
): ElementWriter {
  return (writer, data, count) => {
    const isAligned = data.byteOffset % View.BYTES_PER_ELEMENT === 0;
    const { buffer, byteOffset } = isAligned ? data : data.slice();
    const all = new View(buffer, byteOffset, count);
    for (let start = 0; start < count; start += CHUNK) {
      if (start > 0) writer.raw(",");
      writer.raw(text(all.subarray(start, Math.min(count, start + CHUNK)) as View));
    }
  };
}

const joined = (elements: Numbers) => elements.join(",");

function joinedDoubles(elements: Float32Array | Float64Array): string {
  for (const element of elements) {
    if (element === Math.trunc(element)) return Array.from(elements, doubleText).join(",");
  }
  return elements.join(",");
}

/** A writer of elements of eight bytes, of which `put` writes the one at an offset. */
function wide(put: (writer: JsonWriter, data: DataView, at: number) => void): ElementWriter {
  return (writer, data, count) => {
    const source = view(data);
    for (let index = 0; index < count; index++) {
      if (index > 0) writer.raw(",");
      put(writer, source, index * 8);
    }
  };
}

function view(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

/** The element writers of the data types that JSON can carry and that have a fixed size. */
export const ELEMENT_WRITERS: Readonly<Record<string, ElementWriter>> = {
  BOOL: numbers(Uint8Array, (elements) => Array.from(elements, (one) => one !== 0).join(",")),
  UINT8: numbers(Uint8Array, joined),
  UINT16: numbers(Uint16Array, joined),
  UINT32: numbers(Uint32Array, joined),
  INT8: numbers(Int8Array, joined),
  INT16: numbers(Int16Array, joined),
  INT32: numbers(Int32Array, joined),
  FP32: numbers(Float32Array, joinedDoubles),
  FP64: numbers(Float64Array, joinedDoubles),
  // Below 2^53 a number is exact, and far cheaper than a bigint.
  UINT64: wide((writer, data, at) => {
    const high = data.getUint32(at + 4, LITTLE_ENDIAN);
    if (high < 0x20_0000) {
      writer.integer(high * 0x1_0000_0000 + data.getUint32(at, LITTLE_ENDIAN));
    } else {
      writer.integer(data.getBigUint64(at, LITTLE_ENDIAN));
    }
  }),
  INT64: wide((writer, data, at) => {
    const high = data.getInt32(at + 4, LITTLE_ENDIAN);
    if (high >= -0x20_0000 && high < 0x20_0000) {
      writer.integer(high * 0x1_0000_0000 + data.getUint32(at, LITTLE_ENDIAN));
    } else {
      writer.integer(data.getBigInt64(at, LITTLE_ENDIAN));
    }
  }),
};

/**
 * Puts the strings of a BYTES tensor, each behind its 32-bit length, and returns how many there were;
 * -1 when the lengths do not fit the data.
 */
export function writeStrings(writer: JsonWriter, data: Uint8Array): number {
  const source = view(data);
  let count = 0;
  let at = 0;
  while (at < data.length) {
    if (at + 4 > data.length) return -1;
    const length = source.getUint32(at, LITTLE_ENDIAN);
    at += 4;
    if (at + length > data.length) return -1;
    if (count++ > 0) writer.raw(",");
    writer.stringBytes(data.subarray(at, at + length));
    at += length;
  }
  return count;
}
