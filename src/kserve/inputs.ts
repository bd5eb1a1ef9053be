/**
 * The `inputs` of an inference request: as JSON values, as binary data behind the JSON, or in a
 * shared-memory region.
 *
 * @module
 */
import type { EngineInput, Int64, MemorySlice } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { cString } from "./c_string.ts";
import { typeError } from "./json/errors.ts";
import type { JsonValue } from "./json/value.ts";
import { limitTensor } from "./limits.ts";
import { parsePlacement } from "./output_plan.ts";
import type { RegionLeases } from "./shared_memory_leases.ts";
import { readTensor, tensorByteSize } from "./tensor_data.ts";

const INT64_MAX = 2n ** 63n - 1n;
const NO_DATA = new Uint8Array(0);

/** What the inputs of a request may refer to. */
export interface InputSources {
  /** The binary data behind the JSON, which the inputs share out in their order. */
  readonly binary: Uint8Array;
  /** Where places in shared-memory regions are taken. */
  readonly regions: RegionLeases;
  /** The model's name, for error texts. */
  readonly modelName: string;
  /** The largest tensor that JSON may make, in bytes. */
  readonly maxInputSize: number;
}

/**
 * Reads the `inputs` array.
 *
 * @throws {TritonError} INTERNAL for members that are missing or have the wrong type; INVALID_ARG for
 * inputs that have no data or several kinds, and for binary data that is too short or too long.
 */
export function parseInputs(json: JsonValue, sources: InputSources): EngineInput[] {
  let taken = 0;
  const takeBinary = (name: string, size: Int64): Uint8Array => {
    const left = sources.binary.length - taken;
    if (size > left) {
      throw new TritonError(
        "INVALID_ARG",
        `unexpected size for input '${name}', expecting ${
          BigInt(size) - BigInt(left)
        } additional ` +
          `bytes for model '${sources.modelName}'`,
      );
    }
    const start = taken;
    taken += Number(size);
    return sources.binary.subarray(start, taken);
  };

  const inputs: EngineInput[] = [];
  for (const input of json.asArray("Unable to parse 'inputs'")) {
    const parameters = input.member("parameters");
    const data = input.member("data");
    const binarySize = parameters?.member("binary_data_size");
    checkSources(data, binarySize, parameters?.member("shared_memory_region"));
    const name = stringMember(input, "name", "Unable to parse 'name'");
    const datatype = stringMember(input, "datatype", "Unable to parse 'datatype'");
    const shape = parseShape(input);
    let bytes: Uint8Array | MemorySlice;
    if (binarySize !== undefined) {
      bytes = takeBinary(name, binarySize.asUint64("Unable to parse 'binary_data_size'"));
    } else {
      const placement = parsePlacement(parameters, sources.regions);
      bytes = placement ?? parseData(data, name, datatype, shape, sources.maxInputSize);
    }
    inputs.push({ name, datatype, shape, data: bytes });
  }
  if (taken !== sources.binary.length) {
    throw new TritonError(
      "INVALID_ARG",
      `unexpected additional input data for model '${sources.modelName}'`,
    );
  }
  return inputs;
}

function checkSources(
  data: JsonValue | undefined,
  binarySize: JsonValue | undefined,
  region: JsonValue | undefined,
): void {
  const count = Number(data !== undefined) + Number(binarySize !== undefined) +
    Number(region !== undefined);
  if (count === 1) return;
  const set = [
    data && " 'data'",
    binarySize && " 'binary_data_size'",
    region && " 'shared_memory_region'",
  ].filter((name) => name !== undefined);
  throw new TritonError(
    "INVALID_ARG",
    "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', " +
      "'shared_memory_region' in 'parameters'. But " +
      (set.length === 0 ? "no field is set" : `set${set.join("")}`),
  );
}

function stringMember(json: JsonValue, name: string, what: string): string {
  return cString(json.requiredMember(name, what).asString(what));
}

function parseShape(input: JsonValue): Int64[] {
  const what = "Unable to parse 'shape'";
  return input.requiredMember("shape", what).asArray(what).map((size) => size.asUint64(what));
}

function parseData(
  data: JsonValue | undefined,
  name: string,
  datatype: string,
  shape: readonly Int64[],
  maxInputSize: number,
): Uint8Array {
  const count = elementCount(name, shape);
  if (count === 0) return NO_DATA;
  if (!data?.isArray) throw typeError("array", "Unable to parse 'data'");
  const elementSize = tensorByteSize(datatype, 1);
  const byteSize = Number(count) * elementSize;
  if (byteSize > maxInputSize && BigInt(count) * BigInt(elementSize) > INT64_MAX) {
    throw new TritonError(
      "INVALID_ARG",
      `byte size overflow for input '${name}': element count (${count}) * data type size ` +
        `(${elementSize}) exceeds maximum allowed size (${INT64_MAX})`,
    );
  }
  limitTensor(name, byteSize, maxInputSize);
  const bytes = readTensor(data, datatype, Number(count), name);
  limitTensor(name, bytes.length, maxInputSize);
  return bytes;
}

/** The elements that `shape` has; none when it has no dimensions, as Triton counts them. */
function elementCount(name: string, shape: readonly Int64[]): Int64 {
  let count: Int64 = shape.length === 0 ? 0 : 1;
  for (const size of shape) {
    if (size > INT64_MAX) throw shapeError(name, shape, "contains one or more invalid dimensions");
    if (size === 0) return 0;
    const product: number = Number(count) * Number(size);
    count = Number.isSafeInteger(product) ? product : BigInt(count) * BigInt(size);
    if (count > INT64_MAX) {
      throw shapeError(
        name,
        shape,
        `causes total element count to exceed maximum size of ${INT64_MAX}`,
      );
    }
  }
  return count;
}

/** Triton keeps dimensions as signed integers, and shows them so. */
function shapeError(name: string, shape: readonly Int64[], fault: string): TritonError {
  const signed = shape.map((size) => BigInt.asIntN(64, BigInt(size)));
  return new TritonError(
    "INVALID_ARG",
    `invalid shape for input '${name}': shape [${signed}] ${fault}`,
  );
}
