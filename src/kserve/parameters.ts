/**
 * Parameters of requests and responses as JSON.
 *
 * @module
 */
import type { EngineRequest, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { cString } from "./c_string.ts";
import type { JsonValue } from "./json/value.ts";
import type { JsonWriter } from "./json/writer.ts";

const SEQUENCE_START = 1;
const SEQUENCE_END = 2;

/** What the `parameters` of an inference request say. */
export interface RequestParameters extends
  Pick<
    EngineRequest,
    "flags" | "correlationId" | "priority" | "timeoutMicroseconds"
  > {
  /** The custom parameters, in order. */
  readonly parameters: (readonly [string, ParameterValue])[];
  /** Whether outputs that the request does not list are sent in binary form. */
  readonly binaryDataOutput: boolean;
}

/**
 * Reads the `parameters` of an inference request.
 *
 * @throws {TritonError} INTERNAL when a known parameter has the wrong type; INVALID_ARG for reserved
 * names and values that no parameter can have.
 */
export function parseRequestParameters(json: JsonValue | undefined): RequestParameters {
  const parameters: (readonly [string, ParameterValue])[] = [];
  if (json === undefined) return { parameters, binaryDataOutput: false };
  let flags = 0;
  let correlationId: RequestParameters["correlationId"];
  let priority: RequestParameters["priority"];
  let timeoutMicroseconds: RequestParameters["timeoutMicroseconds"];
  let binaryDataOutput = false;
  for (const { name, value } of json.membersByName("failed to get request params.")) {
    const what = `Unable to parse '${name}'`;
    switch (name) {
      case "sequence_id":
        correlationId = value.uint64 ?? cString(value.asString(what));
        break;
      case "sequence_start":
        if (value.asBoolean(what)) flags |= SEQUENCE_START;
        break;
      case "sequence_end":
        if (value.asBoolean(what)) flags |= SEQUENCE_END;
        break;
      case "priority":
        priority = value.asUint64(what);
        break;
      case "timeout":
        timeoutMicroseconds = value.asUint64(what);
        break;
      case "binary_data_output":
        binaryDataOutput = value.asBoolean(what);
        break;
      default:
        if (name.startsWith("triton_")) throw reservedError();
        parameters.push([cString(name), parameterValue(name, value)]);
    }
  }
  return { parameters, binaryDataOutput, flags, correlationId, priority, timeoutMicroseconds };
}

function reservedError(): TritonError {
  return new TritonError(
    "INVALID_ARG",
    "parameter keys starting with 'triton_' are reserved for Triton usage and should not be " +
      "specified.",
  );
}

/**
 * The value of a custom parameter: a string, an integer that fits signed 64 bits, a boolean, or any
 * other number as a double.
 *
 * @throws {TritonError} INVALID_ARG for null, arrays and objects.
 */
export function parameterValue(name: string, json: JsonValue): ParameterValue {
  if (json.isString) return cString(json.asString());
  const integer = json.int64;
  if (integer !== undefined) return BigInt(integer);
  if (json.isBoolean) return json.asBoolean();
  if (json.isNumber) return json.asDouble();
  throw new TritonError(
    "INVALID_ARG",
    `parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`,
  );
}

/** Puts the value of a response parameter. */
export function writeParameterValue(writer: JsonWriter, value: ParameterValue): void {
  if (typeof value === "string") writer.string(value);
  else if (typeof value === "bigint") writer.integer(value);
  else if (typeof value === "boolean") writer.boolean(value);
  else writer.double(value);
}
