/**
 * Messages of inferences with the echo models.
 *
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ModelInferRequest,
  ModelInferRequestSchema,
  type ModelInferResponse,
  ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";

/** The path of ModelInfer. */
export const INFER = "/inference.GRPCInferenceService/ModelInfer";
/** The path of ModelStreamInfer. */
export const STREAM_INFER = "/inference.GRPCInferenceService/ModelStreamInfer";

/** What to ask a model for. */
export interface Asked {
  readonly model: string;
  readonly id?: string;
  /** The elements of `INPUT0`, as FP32. */
  readonly data?: Float32Array;
  /** What tests/support/backend/echo.c understands. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/** A request. */
export function inferMessage(asked: Asked): ModelInferRequest {
  const { model, id = "", data = Float32Array.of(1), parameters = {} } = asked;
  return create(ModelInferRequestSchema, {
    modelName: model,
    id,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [
        name,
        { parameterChoice: { case: "int64Param" as const, value: BigInt(value) } },
      ]),
    ),
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [BigInt(data.length)] }],
    rawInputContents: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  });
}

/** A request's bytes. */
export function inferBytes(asked: Asked): Uint8Array {
  return toBinary(ModelInferRequestSchema, inferMessage(asked));
}

/** What a response says. */
export interface Answer {
  readonly id: string;
  /** The bytes of the first output. */
  readonly data: Uint8Array;
  /** The parameters that are integers. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Reads a response of ModelInfer. */
export function readInfer(bytes: Uint8Array): Answer {
  return answerOf(fromBinary(ModelInferResponseSchema, bytes));
}

/** Reads a response of ModelStreamInfer; throws when it is an error. */
export function readStream(bytes: Uint8Array): Answer {
  const { errorMessage, inferResponse } = fromBinary(ModelStreamInferResponseSchema, bytes);
  if (errorMessage !== "" || inferResponse === undefined) throw new Error(errorMessage);
  return answerOf(inferResponse);
}

function answerOf({ id, rawOutputContents, parameters }: ModelInferResponse): Answer {
  const numbers: Record<string, number> = {};
  for (const [name, { parameterChoice }] of Object.entries(parameters)) {
    if (parameterChoice.case === "int64Param") numbers[name] = Number(parameterChoice.value);
  }
  return { id, data: rawOutputContents[0], numbers };
}
