/**
 * Reading the elements of a JSON array, at any depth of nesting, straight from the document's bytes
 * into a tensor's buffer. The document has been checked, so only types and counts are left to check.
 *
 * @module
 */
import { type DataType, datatypeByteSize } from "../../datatype.ts";
import { TritonError } from "../../errors.ts";
import { typeError } from "./errors.ts";
import { readFloats } from "./floats.ts";
import { readIntegers } from "./integers.ts";
import { copyString, skipString } from "./string.ts";
import { NESTING_LIMIT, nestingError, PARSE_DATA, tooManyError } from "./tensor_errors.ts";
import { type TensorMemory, tensorPlace } from "./tensor_memory.ts";
import type { JsonSource, JsonValue } from "./value.ts";

const BLANK = 0x20, QUOTE = 0x22, COMMA = 0x2c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;
const LETTER_F = 0x66, LETTER_T = 0x74;

/** The data types whose elements JSON can carry, without BYTES, which has no fixed size. */
export type JsonDataType = Exclude<DataType, "BYTES" | "FP16" | "BF16">;

/** Reads the array into the memory between the offsets and returns how many elements there were. */
type Reader = (source: JsonSource, memory: TensorMemory, at: number, end: number) => number;

const READERS: Record<JsonDataType, Reader> = {
  BOOL: (source, { bytes }, at, end) => readBooleans(source, bytes, at, end),
  INT8: (source, { int8 }, at, end) => readIntegers(source, int8, at, end, true, false),
  INT16: (source, { int16 }, at, end) => readIntegers(source, int16, at / 2, end / 2, true, false),
  INT32: (source, { int32 }, at, end) => readIntegers(source, int32, at / 4, end / 4, true, false),
  INT64: (source, { int32 }, at, end) => readIntegers(source, int32, at / 4, end / 4, true, true),
  UINT8: (source, { int8 }, at, end) => readIntegers(source, int8, at, end, false, false),
  UINT16: (source, { int16 }, at, end) =>
    readIntegers(source, int16, at / 2, end / 2, false, false),
  UINT32: (source, { int32 }, at, end) =>
    readIntegers(source, int32, at / 4, end / 4, false, false),
  UINT64: (source, { int32 }, at, end) => readIntegers(source, int32, at / 4, end / 4, false, true),
  FP32: (source, { float32 }, at, end) => readFloats(source, float32, at / 4, end / 4),
  FP64: (source, { float64 }, at, end) => readFloats(source, float64, at / 8, end / 8),
};

/** Whether `name` is a data type that {@link readNumericTensor} can read. */
export function isJsonDataType(name: string): name is JsonDataType {
  return Object.hasOwn(READERS, name);
}

/**
 * Reads `value`, an array (or a lone scalar, which is one element), as `count` elements of `datatype`.
 *
 * Integers too large for the type wrap; doubles are rounded to FP32.
 *
 * @throws {TritonError} INTERNAL when an element has the wrong type or there are other than `count`;
 * INVALID_ARG when arrays are nested too deeply.
 */
export function readNumericTensor(
  value: JsonValue,
  datatype: JsonDataType,
  count: number,
): Uint8Array {
  const size = count * datatypeByteSize(datatype);
  const { memory, at } = tensorPlace(size);
  if (READERS[datatype](value.source, memory, at, at + size) < count) {
    throw new TritonError(
      "INTERNAL",
      "Failed to parse 'data' field: shape does not match true shape",
    );
  }
  return memory.bytes.subarray(at, at + size);
}

function readBooleans(
  { bytes, start, end }: JsonSource,
  target: Uint8Array,
  from: number,
  limit: number,
): number {
  let to = from;
  forEachElement(bytes, start, end, PARSE_DATA, (at) => {
    if (to === limit) throw tooManyError();
    const isTrue = bytes[at] === LETTER_T;
    if (!isTrue && bytes[at] !== LETTER_F) throw typeError("boolean", PARSE_DATA);
    target[to++] = isTrue ? 1 : 0;
    return at + (isTrue ? 4 : 5);
  });
  return to - from;
}

/**
 * Reads the strings of `value`, an array (or a lone string), as a BYTES tensor: each behind its length
 * in four little-endian bytes.
 *
 * @throws {TritonError} INTERNAL when an element is no string; INVALID_ARG when arrays are nested too
 * deeply.
 */
export function readBytesTensor(value: JsonValue): Uint8Array {
  const { bytes, start, end } = value.source;
  // Each string takes at least three bytes (quotes and a comma) where its length takes four here.
  const target = new Uint8Array(Math.ceil((end - start + 1) * 4 / 3) + 4);
  let to = 0;
  forEachElement(bytes, start, end, undefined, (at) => {
    if (bytes[at] !== QUOTE) throw typeError("string", "Unable to parse JSON bytes array");
    const stringEnd = skipString(bytes, at);
    const contentEnd = copyString(bytes, at, stringEnd, target, to + 4);
    const length = contentEnd - to - 4;
    target[to] = length;
    target[to + 1] = length >>> 8;
    target[to + 2] = length >>> 16;
    target[to + 3] = length >>> 24;
    to = contentEnd;
    return stringEnd;
  });
  return target.subarray(0, to);
}

/**
 * Calls `read` with the offset of each element; it returns the offset behind the element. `what` is
 * the step that the nesting error names.
 */
function forEachElement(
  bytes: Uint8Array,
  start: number,
  end: number,
  what: string | undefined,
  read: (at: number) => number,
): void {
  let depth = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at];
    if (byte <= BLANK || byte === COMMA) {
      at++;
    } else if (byte === OPEN_BRACKET) {
      at++;
      depth++;
    } else if (byte === CLOSE_BRACKET) {
      at++;
      depth--;
    } else {
      if (depth >= NESTING_LIMIT) throw nestingError(what);
      at = read(at);
    }
  }
}
