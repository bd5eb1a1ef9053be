/**
 * Restricted protocols on gRPC: which methods belong to which feature, and the metadata they expect.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { Feature, RestrictedFeatures } from "../kserve/restricted.ts";
import type { ServerCall } from "./call.ts";

const PREFIX = "triton-grpc-protocol-";

/** Features by the paths of their methods. Reflection tells no more than the server's metadata. */
const FEATURES: ReadonlyMap<string, Feature> = new Map([
  ...methods("health", "/inference.GRPCInferenceService/", [
    "ServerLive",
    "ServerReady",
    "ModelReady",
  ]),
  ...methods("health", "/grpc.health.v1.Health/", ["Check", "Watch"]),
  ...methods("metadata", "/inference.GRPCInferenceService/", ["ServerMetadata", "ModelMetadata"]),
  ...methods("metadata", "/grpc.reflection.v1.ServerReflection/", ["ServerReflectionInfo"]),
  ...methods("metadata", "/grpc.reflection.v1alpha.ServerReflection/", ["ServerReflectionInfo"]),
  ...methods("inference", "/inference.GRPCInferenceService/", ["ModelInfer", "ModelStreamInfer"]),
  ...methods("shared-memory", "/inference.GRPCInferenceService/", [
    "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister",
    "CudaSharedMemoryStatus",
    "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister",
  ]),
  ...methods("model-config", "/inference.GRPCInferenceService/", ["ModelConfig"]),
  ...methods("model-repository", "/inference.GRPCInferenceService/", [
    "RepositoryIndex",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
  ]),
  ...methods("statistics", "/inference.GRPCInferenceService/", ["ModelStatistics"]),
  ...methods("trace", "/inference.GRPCInferenceService/", ["TraceSetting"]),
  ...methods("logging", "/inference.GRPCInferenceService/", ["LogSettings"]),
]);

function methods(feature: Feature, service: string, names: readonly string[]): [string, Feature][] {
  return names.map((name) => [service + name, feature]);
}

/**
 * Lets `call` pass, or throws UNAVAILABLE. Only the first value of the metadata counts. The key is not
 * lower-cased: one with capitals locks its features for all, as metadata has no capitals.
 */
export function checkRestriction(
  call: Pick<ServerCall, "path" | "header">,
  restricted: RestrictedFeatures,
): void {
  const feature = FEATURES.get(call.path);
  const restriction = feature && restricted.get(feature);
  if (restriction === undefined) return;
  const key = PREFIX + restriction.key;
  if (call.header(key) !== restriction.value) {
    throw new TritonError(
      "UNAVAILABLE",
      `This protocol is restricted, expecting header '${key}'`,
    );
  }
}
