/**
 * An output's elements as JSON values.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import { isJsonDataType } from "./json/tensor.ts";
import { writeNumbers, writeStrings } from "./json/tensor_writer.ts";
import type { JsonWriter } from "./json/writer.ts";
import { tensorByteSize } from "./tensor_data.ts";

/** The elements that `shape` has; one for a shape without dimensions. */
export function outputElementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/**
 * Puts the `count` elements of an output, with commas between them and no brackets.
 *
 * @throws {TritonError} INVALID_ARG for types that JSON cannot carry; INTERNAL when `data` does not
 * hold `count` elements.
 */
export function writeElements(
  writer: JsonWriter,
  name: string,
  datatype: string,
  data: Uint8Array,
  count: number,
): void {
  if (datatype === "BYTES") {
    if (writeStrings(writer, data) !== count) {
      throw new TritonError("INTERNAL", mismatch(name));
    }
    return;
  }
  if (!isJsonDataType(datatype)) {
    throw new TritonError(
      "INVALID_ARG",
      `sending ${datatype} data via JSON is not supported. Please use the binary data format for ` +
        "output",
    );
  }
  if (data.length !== tensorByteSize(datatype, count)) {
    throw new TritonError("INTERNAL", `Failed to write 'data' field: ${mismatch(name)}`);
  }
  writeNumbers(writer, datatype, data, count);
}

function mismatch(name: string): string {
  return `output tensor shape does not match size of output for '${name}'`;
}
