/**
 * The parameters of a ModelInferRequest: those that Triton understands, those it refuses, and the rest,
 * which goes on to the model.
 *
 * @module
 */
import type { Int64, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { ParameterMessage, ParameterMessages } from "./infer_message.ts";

/** What the parameters of one request say. */
export interface RequestOptions {
  flags: number;
  correlationId: Int64 | string;
  priority: Int64;
  timeoutMicroseconds: Int64;
  /** Whether a decoupled model's end is told even when it comes without data. */
  enableEmptyFinalResponse: boolean;
  /** Parameters for the model, in the order of the request. */
  parameters: [string, ParameterValue][];
}

type Choice = ParameterMessage["parameterChoice"];

const SEQUENCE_START = 1;
const SEQUENCE_END = 2;
const MAX_CORRELATION_ID_SIZE = 128;

/** Reads the parameters in the order given. Throws INVALID_ARG or UNSUPPORTED with Triton's texts. */
export function parseParameters(
  parameters: ParameterMessages,
): RequestOptions {
  const options: RequestOptions = {
    flags: 0,
    correlationId: 0,
    priority: 0,
    timeoutMicroseconds: 0,
    enableEmptyFinalResponse: false,
    parameters: [],
  };
  for (const name in parameters) parse(name, parameters[name].parameterChoice, options);
  return options;
}

function parse(name: string, choice: Choice, options: RequestOptions): void {
  switch (name) {
    case "sequence_id":
      options.correlationId = correlationId(choice);
      break;
    case "sequence_start":
      if (boolean(name, choice)) options.flags |= SEQUENCE_START;
      break;
    case "sequence_end":
      if (boolean(name, choice)) options.flags |= SEQUENCE_END;
      break;
    case "priority":
      options.priority = priority(choice);
      break;
    case "timeout":
      if (choice.case !== "int64Param") throw wrongType(name, "int64_param");
      options.timeoutMicroseconds = BigInt.asUintN(64, choice.value);
      break;
    case "triton_enable_empty_final_response":
      options.enableEmptyFinalResponse = boolean(name, choice);
      break;
    default:
      if (name.startsWith("triton_")) throw reserved();
      options.parameters.push([name, value(name, choice)]);
  }
}

function correlationId(choice: Choice): bigint | string {
  if (choice.case === "int64Param") return BigInt.asUintN(64, choice.value);
  if (choice.case !== "stringParam") {
    throw wrongType("sequence_id", "int64_param or string_param");
  }
  if (new TextEncoder().encode(choice.value).length > MAX_CORRELATION_ID_SIZE) {
    throw new TritonError(
      "UNSUPPORTED",
      `string correlation ID cannot be longer than ${MAX_CORRELATION_ID_SIZE} characters`,
    );
  }
  return choice.value;
}

function priority(choice: Choice): bigint {
  if (choice.case === "uint64Param") return choice.value;
  if (choice.case !== "int64Param") throw wrongType("priority", "int64_param or uint64_param");
  if (choice.value < 0n) {
    throw new TritonError("INVALID_ARG", "invalid value for 'priority', expected value >= 0.");
  }
  return choice.value;
}

function boolean(name: string, choice: Choice): boolean {
  if (choice.case !== "boolParam") throw wrongType(name, "bool_param");
  return choice.value;
}

/** The text leaves out double_param, which Triton takes all the same. */
function value(name: string, choice: Choice): ParameterValue {
  if (choice.case === undefined || choice.case === "uint64Param") {
    throw wrongType(name, "int64_param, bool_param, or string_param");
  }
  return choice.value;
}

function wrongType(name: string, expected: string): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `invalid value type for '${name}' parameter, expected ${expected}.`,
  );
}

function reserved(): TritonError {
  return new TritonError(
    "INVALID_ARG",
    "parameter keys starting with 'triton_' are reserved for Triton usage. Only the following " +
      "keys starting with 'triton_' are allowed: triton_enable_empty_final_response",
  );
}
