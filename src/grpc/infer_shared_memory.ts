/**
 * The parameters with which an input or output says that it lies in a shared-memory region.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { ParameterMessages } from "./infer_message.ts";

/** A place in a region as a request names it; nothing is checked but the types. */
export interface RegionPlace {
  readonly region: string;
  readonly offset: bigint;
  readonly byteSize: bigint;
}

/** The place that the parameters of `tensor` name, undefined when it is not in shared memory. */
export function sharedMemory(
  tensor: string,
  parameters: ParameterMessages,
): RegionPlace | undefined {
  const region = parameters.shared_memory_region?.parameterChoice;
  if (region !== undefined && region.case !== "stringParam") {
    throw wrongType("shared_memory_region", tensor, "string_param");
  }
  const offset = integer("shared_memory_offset", tensor, parameters, region !== undefined);
  const byteSize = integer("shared_memory_byte_size", tensor, parameters, region !== undefined);
  if (region === undefined) return undefined;
  if (byteSize === undefined) {
    throw new TritonError(
      "INVALID_ARG",
      "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter " +
        `for tensor '${tensor}'`,
    );
  }
  return { region: region.value, offset: offset ?? 0n, byteSize };
}

function integer(
  name: string,
  tensor: string,
  parameters: ParameterMessages,
  hasRegion: boolean,
): bigint | undefined {
  const choice = parameters[name]?.parameterChoice;
  if (choice === undefined) return undefined;
  if (!hasRegion) {
    throw new TritonError(
      "INVALID_ARG",
      `'${name}' can not be specified without 'shared_memory_region' parameter for tensor ` +
        `'${tensor}'`,
    );
  }
  if (choice.case !== "int64Param") throw wrongType(name, tensor, "int64_param");
  return choice.value;
}

function wrongType(name: string, tensor: string, expected: string): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `invalid value type for '${name}' parameter for tensor '${tensor}', expected ${expected}.`,
  );
}
