/**
 * A tensor's bytes from its JSON values.
 *
 * @module
 */
import { datatypeByteSize, isDataType } from "../datatype.ts";
import { TritonError } from "../errors.ts";
import { isJsonDataType, readBytesTensor, readNumericTensor } from "./json/tensor.ts";
import type { JsonValue } from "./json/value.ts";

/** The bytes that `count` elements of `datatype` take; 0 for BYTES and unknown types. */
export function tensorByteSize(datatype: string, count: number): number {
  return isDataType(datatype) ? datatypeByteSize(datatype) * count : 0;
}

/**
 * Reads `json`, an array or a lone value, as the `count` elements of the input `input`. For BYTES the
 * count is not checked: the server does that.
 *
 * @throws {TritonError} INVALID_ARG for types that JSON cannot carry; otherwise as the readers throw.
 */
export function readTensor(
  json: JsonValue,
  datatype: string,
  count: number,
  input: string,
): Uint8Array {
  switch (datatype) {
    case "BYTES":
      return readBytesTensor(json);
    case "FP16":
    case "BF16":
      throw new TritonError(
        "INVALID_ARG",
        `receiving ${datatype} data via JSON is not supported. Please use the binary data format ` +
          `for input ${input}`,
      );
    default:
      if (isJsonDataType(datatype)) return readNumericTensor(json, datatype, count);
      throw new TritonError("INVALID_ARG", `invalid datatype for input ${input}`);
  }
}
