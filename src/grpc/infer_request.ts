/**
 * From a ModelInferRequest to the request that the engine takes.
 *
 * @module
 */
import type { EngineOutputRequest, EngineRequest, Int64, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { InferMessage, OutputMessage, ParameterMessage } from "./infer_message.ts";
import { parseInputs } from "./infer_inputs.ts";
import { parseParameters } from "./infer_parameters.ts";
import type { RegionSource } from "../kserve/shared_memory.ts";
import { RegionLeases } from "../kserve/shared_memory_leases.ts";
import { sharedMemory } from "./infer_shared_memory.ts";

/** A request ready for the engine, and what its responses depend on. */
export interface ParsedRequest {
  readonly request: EngineRequest;
  /** How many classes each output named here shall be turned into. */
  readonly classifications: ReadonlyMap<string, number>;
  /** Whether a decoupled model's end is told even when it comes without data. */
  readonly enableEmptyFinalResponse: boolean;
}

/**
 * Reads `message` in Triton's order: parameters, names of inputs and outputs, forwarded headers, input
 * data, outputs.
 *
 * `version` is the parsed `model_version`, `forwarded` makes the parameters from request headers;
 * they are appended to the request's own. Throws Triton's errors; unknown names, shapes and sizes are
 * left to the server.
 */
export function parseInferRequest(
  message: InferMessage,
  version: Int64,
  forwarded: () => readonly (readonly [string, ParameterValue])[],
  regions: RegionSource,
): ParsedRequest {
  const leases = new RegionLeases(regions);
  return leases.hold(() => parse(message, version, forwarded, leases));
}

function parse(
  message: InferMessage,
  version: Int64,
  forwarded: () => readonly (readonly [string, ParameterValue])[],
  regions: RegionLeases,
): ParsedRequest {
  const { parameters, enableEmptyFinalResponse, ...options } = parseParameters(message.parameters);
  refuseDuplicates("input", message.inputs, message.id);
  // As Triton's core does since 2026; older ones take them.
  refuseDuplicates("output", message.outputs, message.id);
  for (const parameter of forwarded()) parameters.push([...parameter]);
  const inputs = parseInputs(message, regions);
  const classifications = new Map<string, number>();
  const outputs = message.outputs.map((output): EngineOutputRequest => {
    const place = sharedMemory(output.name, output.parameters);
    const classes = classification(output);
    if (place !== undefined) {
      if (classes !== undefined) {
        throw new TritonError(
          "INVALID_ARG",
          "output can't set both 'shared_memory_region' and 'classification'",
        );
      }
      return {
        name: output.name,
        placement: regions.find(place.region, place.offset, place.byteSize),
      };
    }
    if (classes !== undefined) classifications.set(output.name, classes);
    return { name: output.name };
  });
  return {
    request: {
      modelName: message.modelName,
      modelVersion: version,
      id: message.id,
      ...options,
      inputs,
      outputs,
      parameters,
      wantsLabels: classifications.size > 0,
    },
    classifications,
    enableEmptyFinalResponse,
  };
}

/** The core would find inputs that come twice as well, but only after their data was looked at. */
function refuseDuplicates(
  kind: "input" | "output",
  tensors: readonly { readonly name: string }[],
  id: string,
): void {
  if (tensors.length < 2) return;
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) {
      throw new TritonError(
        "INVALID_ARG",
        `[request id: ${id || "<id_unknown>"}] ${kind} '${name}' already exists in request`,
      );
    }
    names.add(name);
  }
}

function classification(output: OutputMessage): number | undefined {
  const parameter: ParameterMessage | undefined = output.parameters.classification;
  if (parameter === undefined) return undefined;
  const choice = parameter.parameterChoice;
  if (choice.case !== "int64Param") {
    throw new TritonError(
      "INVALID_ARG",
      "invalid value type for 'classification' parameter, expected int64_param",
    );
  }
  if (choice.value <= 0n) {
    throw new TritonError(
      "INVALID_ARG",
      "invalid value for 'classification' parameter, expected >= 0",
    );
  }
  return Number(choice.value);
}
