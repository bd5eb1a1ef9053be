/**
 * The methods of GRPCInferenceService that are not inferences, as a Connect service.
 *
 * @module
 */
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type GRPCInferenceService,
  ModelMetadataResponseSchema,
  ModelStatisticsResponseSchema,
  ServerMetadataResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { ModelConfigSchema } from "../../proto/gen/model_config_pb.ts";
import type { Engine, InferenceEngine } from "../engine.ts";
import type { SharedMemoryRegions } from "../kserve/shared_memory.ts";
import type { TraceSettings } from "../kserve/trace_settings.ts";
import { messageFromCore } from "./core_json.ts";
import { applyLogSettings } from "./log_settings.ts";
import { parseVersion } from "./model_version.ts";
import { loadModel, repositoryIndex, unloadModel } from "./repository.ts";
import { cudaStatus, systemStatus } from "./shared_memory.ts";
import { applyTraceSettings } from "./trace_settings.ts";

/** What the methods work on. */
export interface ControlContext {
  readonly engine: Engine;
  readonly regions: SharedMemoryRegions;
  readonly traceSettings: TraceSettings;
}

/** Everything but ModelInfer and ModelStreamInfer, which `model_infer.ts` handles. */
export type ControlService = Omit<
  ServiceImpl<typeof GRPCInferenceService>,
  "modelInfer" | "modelStreamInfer"
>;

/** What can be asked of any thread: health, metadata, configuration, statistics and the index. */
export type QuestionService = Pick<
  ControlService,
  | "serverLive"
  | "serverReady"
  | "modelReady"
  | "serverMetadata"
  | "modelMetadata"
  | "modelConfig"
  | "modelStatistics"
  | "repositoryIndex"
>;

/** Those methods; they throw TritonErrors. */
export function questionService(engine: InferenceEngine): QuestionService {
  return {
    serverLive: () => ({ live: engine.isLive() }),
    serverReady: () => ({ ready: engine.isReady() }),
    modelReady: ({ name, version }) => {
      const number = parseVersion(version);
      // Only this finds out that the model is not there: the question for readiness is answered "no".
      engine.isDecoupled(name, number);
      return { ready: engine.isModelReady(name, number) };
    },
    serverMetadata: () =>
      messageFromCore(ServerMetadataResponseSchema, engine.serverMetadataJson()),
    modelMetadata: ({ name, version }) =>
      messageFromCore(
        ModelMetadataResponseSchema,
        engine.modelMetadataJson(name, parseVersion(version)),
      ),
    modelConfig: ({ name, version }) => ({
      config: messageFromCore(
        ModelConfigSchema,
        engine.modelConfigJson(name, parseVersion(version)),
      ),
    }),
    modelStatistics: ({ name, version }) =>
      messageFromCore(
        ModelStatisticsResponseSchema,
        engine.modelStatisticsJson(name, parseVersion(version)),
      ),
    repositoryIndex: (request) => repositoryIndex(engine, request),
  };
}

/** All of them; they throw TritonErrors. */
export function controlService(
  { engine, regions, traceSettings }: ControlContext,
): ControlService {
  return {
    ...questionService(engine),
    repositoryModelLoad: async (request) => {
      await loadModel(engine, request);
      return {};
    },
    repositoryModelUnload: async (request) => {
      await unloadModel(engine, request);
      return {};
    },
    systemSharedMemoryStatus: ({ name }) => systemStatus(regions, name),
    systemSharedMemoryRegister: async (region) => {
      await regions.registerSystem(region);
      return {};
    },
    systemSharedMemoryUnregister: async ({ name }) => {
      await regions.unregister("system", name || undefined);
      return {};
    },
    cudaSharedMemoryStatus: ({ name }) => cudaStatus(regions, name),
    cudaSharedMemoryRegister: async (region) => {
      await regions.registerCuda(region, region.rawHandle);
      return {};
    },
    cudaSharedMemoryUnregister: async ({ name }) => {
      await regions.unregister("cuda", name || undefined);
      return {};
    },
    traceSetting: (request) => applyTraceSettings(engine, traceSettings, request),
    logSettings: (request) => applyLogSettings(engine, request),
  };
}
