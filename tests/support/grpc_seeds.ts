/**
 * Valid calls to start from, for tests that make calls wrong.
 *
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  LogSettingsRequestSchema,
  ModelInferRequestSchema,
  RepositoryModelLoadRequestSchema,
  RepositoryModelUnloadRequestSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { type GoldenCall, goldenCalls, requestBytes } from "./grpc_golden.ts";
import { inferBytes } from "./infer_messages.ts";

/** A valid call. */
export interface GrpcSeed {
  readonly path: string;
  readonly messages: readonly Uint8Array[];
  readonly headers: Readonly<Record<string, string>>;
}

/** The models that the seeds need, of `tests/golden/models`. */
export const SEED_MODELS: readonly string[] = [
  "add_sub",
  "identity_bytes",
  "identity_fp32",
  "params",
  "repeat",
];

/** Would change what good calls need, or print much. */
const LEFT_OUT = /\/(RepositoryModelLoad|RepositoryModelUnload|LogSettings)$/;

const INFERENCES = /\/(ModelInfer|ModelStreamInfer)$/;

const SERVICE = "/inference.GRPCInferenceService/";

function isUsable(call: GoldenCall): boolean {
  if (call.server !== "main" || LEFT_OUT.test(call.rpc) || call.request.length === 0) return false;
  if (!INFERENCES.test(call.rpc)) return true;
  return requestBytes(call).every((bytes) => SEED_MODELS.includes(modelOf(bytes)));
}

/** The model of a request; empty for one of the recorded messages that are none. */
function modelOf(bytes: Uint8Array): string {
  try {
    return fromBinary(ModelInferRequestSchema, bytes).modelName;
  } catch {
    return "";
  }
}

function seed(method: string, ...messages: readonly Uint8Array[]): GrpcSeed {
  return { path: SERVICE + method, messages, headers: {} };
}

const FULL = create(ModelInferRequestSchema, {
  modelName: "identity_bytes",
  modelVersion: "1",
  id: "full",
  parameters: {
    sequence_id: { parameterChoice: { case: "int64Param", value: 3n } },
    sequence_start: { parameterChoice: { case: "boolParam", value: true } },
    priority: { parameterChoice: { case: "uint64Param", value: 1n } },
    text: { parameterChoice: { case: "stringParam", value: "é" } },
    number: { parameterChoice: { case: "doubleParam", value: 1.5 } },
  },
  inputs: [{
    name: "INPUT0",
    datatype: "BYTES",
    shape: [2n],
    contents: { bytesContents: [new Uint8Array(3), new Uint8Array(300)] },
    parameters: { any: { parameterChoice: { case: "boolParam", value: true } } },
  }],
  outputs: [{
    name: "OUTPUT0",
    parameters: { classification: { parameterChoice: { case: "int64Param", value: 1n } } },
  }],
});

/** Calls of all kinds: recorded ones, and some that change nothing in this server. */
export const GRPC_SEEDS: readonly GrpcSeed[] = [
  ...goldenCalls().filter(isUsable).map((call) => ({
    path: call.rpc,
    messages: requestBytes(call),
    headers: Object.fromEntries(call.metadata),
  })),
  ...["ModelInfer", "ModelStreamInfer"].flatMap((method) => [
    seed(method, toBinary(ModelInferRequestSchema, FULL)),
    seed(method, inferBytes({ model: "identity_fp32", data: new Float32Array(2000) })),
  ]),
  seed(
    "RepositoryModelLoad",
    toBinary(
      RepositoryModelLoadRequestSchema,
      create(RepositoryModelLoadRequestSchema, {
        modelName: "nope",
        parameters: {
          config: { parameterChoice: { case: "stringParam", value: '{"backend":"nope"}' } },
          "file:1/model.py": {
            parameterChoice: { case: "bytesParam", value: new Uint8Array(9) },
          },
        },
      }),
    ),
  ),
  seed(
    "RepositoryModelUnload",
    toBinary(
      RepositoryModelUnloadRequestSchema,
      create(RepositoryModelUnloadRequestSchema, {
        modelName: "nope",
        parameters: {
          unload_dependents: { parameterChoice: { case: "boolParam", value: true } },
        },
      }),
    ),
  ),
  seed(
    "LogSettings",
    toBinary(
      LogSettingsRequestSchema,
      create(LogSettingsRequestSchema, {
        settings: {
          log_format: { parameterChoice: { case: "stringParam", value: "default" } },
          log_error: { parameterChoice: { case: "boolParam", value: false } },
        },
      }),
    ),
  ),
];
