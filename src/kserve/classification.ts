/**
 * Classification: the largest elements of an output as texts `<value>:<index>[:<label>]`.
 *
 * @module
 */
import { packByteStrings } from "../byte_strings.ts";
import { TritonError } from "../errors.ts";
import { outputElementCount } from "./output_json.ts";

const encoder = new TextEncoder();

/** The most elements of a batch item that Triton sorts (since 2.66). */
const MAX_CLASSES = 1_000_000;

/** The classes of an output, as the BYTES tensor that takes its place. */
export interface Classes {
  readonly datatype: "BYTES";
  /** `[batch, k]`, or `[k]` for models that do not batch. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Reads one element, widened; bigint for 64-bit integers. */
type ElementReader = (data: DataView, at: number) => number | bigint;

const READERS: Readonly<Record<string, { readonly size: number; readonly read: ElementReader }>> = {
  UINT8: { size: 1, read: (data, at) => data.getUint8(at) },
  UINT16: { size: 2, read: (data, at) => data.getUint16(at, true) },
  UINT32: { size: 4, read: (data, at) => data.getUint32(at, true) },
  UINT64: { size: 8, read: (data, at) => data.getBigUint64(at, true) },
  INT8: { size: 1, read: (data, at) => data.getInt8(at) },
  INT16: { size: 2, read: (data, at) => data.getInt16(at, true) },
  INT32: { size: 4, read: (data, at) => data.getInt32(at, true) },
  INT64: { size: 8, read: (data, at) => data.getBigInt64(at, true) },
  FP32: { size: 4, read: (data, at) => data.getFloat32(at, true) },
  FP64: { size: 8, read: (data, at) => data.getFloat64(at, true) },
};

/**
 * The `count` largest elements of each batch item (all of them if there are fewer), in descending
 * order; equal ones in the order of their index. `label` gives the label of a class, if it has one.
 *
 * @throws {TritonError} INVALID_ARG for types that have no order (BOOL, BYTES, FP16, BF16) and for more
 * than a million elements; INTERNAL when the data does not fit the shape.
 */
export function classify(
  output: {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data: Uint8Array;
  },
  count: number,
  isBatched: boolean,
  label: (classIndex: number) => string | undefined,
): Classes {
  const { datatype, shape, data } = output;
  const reader = READERS[datatype];
  if (reader === undefined) {
    throw new TritonError(
      "INVALID_ARG",
      `class result not available for output due to unsupported type '${datatype}'`,
    );
  }
  const batch = isBatched && shape.length > 0 ? shape[0] : 1;
  const classes = outputElementCount(isBatched ? shape.slice(1) : shape);
  if (classes > MAX_CLASSES) {
    throw new TritonError("INVALID_ARG", "classification output tensor too large");
  }
  if (data.length !== batch * classes * reader.size) {
    throw new TritonError(
      "INTERNAL",
      `output tensor shape does not match size of output for '${output.name}'`,
    );
  }
  const isFloat = datatype === "FP32" || datatype === "FP64";
  const source = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const kept = Math.min(count, classes);
  const texts: Uint8Array[] = [];
  for (let item = 0; item < batch; item++) {
    const values = Array.from(
      { length: classes },
      (_, index) => reader.read(source, (item * classes + index) * reader.size),
    );
    for (const index of largest(values, kept)) {
      const value = isFloat ? fixed(Number(values[index])) : String(values[index]);
      const name = label(index);
      texts.push(encoder.encode(`${value}:${index}${name === undefined ? "" : `:${name}`}`));
    }
  }
  return {
    datatype: "BYTES",
    shape: isBatched ? [batch, kept] : [kept],
    data: packByteStrings(texts),
  };
}

/** The indices of the `count` largest values, largest first; NaN counts as less than any number. */
function largest(values: readonly (number | bigint)[], count: number): number[] {
  const indices = values.map((_, index) => index);
  indices.sort((a, b) => {
    const left = values[a];
    const right = values[b];
    if (left > right) return -1;
    if (left < right) return 1;
    return left === right ? 0 : Number(left !== left) - Number(right !== right);
  });
  return indices.slice(0, count);
}

/** `value` as C's `%f`: six decimals, and a value in the middle of two goes to the even one. */
export function fixed(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0.000000";
  // From 1e21 on toFixed() changes to exponents; such doubles are integers.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  // Only odd multiples of 1/128 lie in the middle, and toFixed() would take them away from zero.
  if (Math.abs(value * 128 % 2) === 1) {
    const exact = value.toFixed(7);
    if (Number(exact.at(-2)) % 2 === 0) return exact.slice(0, -1);
  }
  return value.toFixed(6);
}
