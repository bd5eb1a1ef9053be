/**
 * The model repository: index, load and unload.
 *
 * @module
 */
import { fromJson } from "@bufbuild/protobuf";
import {
  type ModelRepositoryParameter,
  type RepositoryIndexRequest,
  type RepositoryIndexResponse,
  RepositoryIndexResponseSchema,
  type RepositoryModelLoadRequest,
  type RepositoryModelUnloadRequest,
} from "../../proto/gen/grpc_service_pb.ts";
import type { Engine, InferenceEngine } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { parseExact } from "./core_json.ts";

/** RepositoryIndex. */
export async function repositoryIndex(
  engine: InferenceEngine,
  request: RepositoryIndexRequest,
): Promise<RepositoryIndexResponse> {
  refuseRepositoryName(request.repositoryName);
  const models = parseExact(await engine.repositoryIndexJson(request.ready));
  return fromJson(RepositoryIndexResponseSchema, { models }, { ignoreUnknownFields: true });
}

/** RepositoryModelLoad; resolves when the load has ended. */
export async function loadModel(
  engine: Engine,
  request: RepositoryModelLoadRequest,
): Promise<void> {
  refuseRepositoryName(request.repositoryName);
  const parameters = new Map<string, string | Uint8Array>();
  for (const [key, { parameterChoice }] of Object.entries(request.parameters)) {
    parameters.set(key, loadParameter(key, parameterChoice));
  }
  await engine.loadModel(request.modelName, parameters);
}

/** RepositoryModelUnload; resolves when the unload has begun. */
export async function unloadModel(
  engine: Engine,
  request: RepositoryModelUnloadRequest,
): Promise<void> {
  refuseRepositoryName(request.repositoryName);
  const choice = request.parameters.unload_dependents?.parameterChoice;
  if (choice !== undefined && choice.case !== "boolParam") {
    throw new TritonError(
      "INVALID_ARG",
      "invalid value type for 'unload_dependents' parameter, expected bool_param.",
    );
  }
  await engine.unloadModel(request.modelName, { unloadDependents: choice?.value ?? false });
}

function loadParameter(
  key: string,
  choice: ModelRepositoryParameter["parameterChoice"],
): string | Uint8Array {
  if (key === "config") {
    if (choice.case === "stringParam") return choice.value;
    throw wrongType(key, "string_param");
  }
  if (key.startsWith("file:")) {
    if (choice.case === "bytesParam") return choice.value;
    throw wrongType(key, "bytes_param");
  }
  throw new TritonError("INVALID_ARG", `unrecognized load parameter '${key}'.`);
}

function wrongType(key: string, expected: string): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `invalid value type for load parameter '${key}', expected ${expected}.`,
  );
}

function refuseRepositoryName(name: string): void {
  if (name !== "") {
    throw new TritonError("UNSUPPORTED", "'repository_name' specification is not supported");
  }
}
