/**
 * A generate request: a flat JSON object whose members are tensors where the model has an input of
 * that name, and custom parameters otherwise.
 *
 * @module
 */
import type { EngineInput, EngineRequest, Int64, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { cString } from "./c_string.ts";
import { type JsonValue, parseJson } from "./json/value.ts";
import { limitGenerate, limitJson } from "./limits.ts";
import type { InputSchema } from "./model_schema.ts";
import { parameterValue } from "./parameters.ts";
import { readTensor, tensorByteSize } from "./tensor_data.ts";

const NESTED = "parameters";

/** What a generate request is read against. */
export interface GenerateContext {
  readonly modelName: string;
  /** -1 for the version that the model's policy chooses. */
  readonly modelVersion: Int64;
  /** The model's inputs. */
  readonly schema: ReadonlyMap<string, InputSchema>;
  /** The limit on the JSON, and on the tensors of one of its objects together, in bytes. */
  readonly maxInputSize: number;
}

/**
 * Reads a generate request.
 *
 * @throws {TritonError} INTERNAL for malformed JSON and values of the wrong type; INVALID_ARG for values
 * that fit neither an input's shape nor a parameter, and for tensors beyond the limit.
 */
export function parseGenerate(body: Uint8Array, context: GenerateContext): EngineRequest {
  limitJson(body.length, context.maxInputSize);
  const json = parseJson(body);
  const id = cString(json.member("id")?.asString("Unable to parse 'id'") ?? "");
  const inputs: EngineInput[] = [];
  const parameters: (readonly [string, ParameterValue])[] = [];
  mapMembers(json, context, id, inputs, parameters, true);
  const { modelName, modelVersion } = context;
  return { modelName, modelVersion, id, inputs, parameters };
}

function mapMembers(
  json: JsonValue,
  context: GenerateContext,
  id: string,
  inputs: EngineInput[],
  parameters: (readonly [string, ParameterValue])[],
  isTop: boolean,
): void {
  let sum = 0;
  for (const { name, value } of json.membersByName()) {
    const input = context.schema.get(name);
    if (isTop && name === NESTED) {
      if (input !== undefined) {
        throw new TritonError(
          "INVALID_ARG",
          `Keyword '${NESTED}' for nested schema also given as input tensor name`,
        );
      }
      const object = value.asObject(`Expected JSON object for keyword: '${NESTED}'`);
      prefixed(`Converting keyword: '${NESTED}': `, () => {
        mapMembers(object, context, id, inputs, parameters, false);
      });
    } else if (input !== undefined) {
      const tensor = mapInput(name, value, input, sum, context.maxInputSize);
      if (inputs.some((other) => other.name === name)) throw duplicateError(name, id);
      sum += tensor.data.length;
      inputs.push(tensor);
    } else {
      parameters.push([cString(name), parameterValue(name, value)]);
    }
  }
}

/** The server's own error, given here because of the keyword that it may lie under. */
function duplicateError(input: string, id: string): TritonError {
  const request = id === "" ? "<id_unknown>" : id;
  return new TritonError(
    "INVALID_ARG",
    `[request id: ${request}] input '${input}' already exists in request`,
  );
}

/** Runs `step` and puts `prefix` before the text of an error. */
function prefixed(prefix: string, step: () => void): void {
  try {
    step();
  } catch (reason) {
    const { code, message } = TritonError.from(reason);
    throw new TritonError(code, prefix + message, { cause: reason });
  }
}

function mapInput(
  name: string,
  value: JsonValue,
  { datatype, shape: modelShape }: InputSchema,
  sum: number,
  maxInputSize: number,
): EngineInput & { readonly data: Uint8Array } {
  const count = value.isArray ? value.arrayLength() : 1;
  // Triton reads strings to measure them, and fits the shape after that.
  const strings = datatype === "BYTES" ? readTensor(value, datatype, count, name) : undefined;
  limitGenerate(sum, name, strings?.length ?? tensorByteSize(datatype, count), maxInputSize);
  const shape = fitShape(name, modelShape, count);
  return { name, datatype, shape, data: strings ?? readTensor(value, datatype, count, name) };
}

/**
 * The shape that `count` elements take in an input of `modelShape`: the last variable dimension takes
 * what the fixed ones leave, the other variable ones are 1.
 */
function fitShape(input: string, modelShape: readonly number[], count: number): number[] {
  let left = count;
  let fits = true;
  for (const size of modelShape) {
    if (size < 0) continue;
    fits &&= left % size === 0;
    left /= size;
  }
  const last = modelShape.findLastIndex((size) => size < 0);
  if (!fits || (last < 0 && left !== 1)) {
    throw new TritonError(
      "INVALID_ARG",
      `The schema can not convert input '${input}' to tensor with proper shape`,
    );
  }
  return modelShape.map((size, index) => size >= 0 ? size : index === last ? left : 1);
}
