/**
 * Triton Inference Server inside a Deno or Bun program.
 *
 * Opens the real `libtritonserver.so`, runs it in this process, and serves its models over HTTP, gRPC
 * and metrics in KServe v2 with Triton's extensions, to the clients that there are. Importing this module
 * does nothing; {@link Server.start} opens the library.
 *
 * @example A whole server
 * ```ts ignore
 * import process from "node:process";
 * import { KServeGrpc, KServeHttp, Metrics, Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "models" });
 * await using http = await KServeHttp.start(server);
 * await using grpc = await KServeGrpc.start(server);
 * await using metrics = await Metrics.start(server);
 * console.log(`HTTP ${http.address}, gRPC ${grpc.address}, metrics ${metrics.address}`);
 * await new Promise((resolve) => process.on("SIGINT", resolve));
 * ```
 *
 * @module
 */
export { TritonError, type TritonErrorCode } from "./src/errors.ts";
export { type DataType, datatypeByteSize, isDataType } from "./src/datatype.ts";
export { Tensor, type TensorArray, type TensorOptions, type TensorSource } from "./src/tensor.ts";
export {
  type LiveCounters,
  type RepositoryEntry,
  Server,
  type ServerMetadata,
} from "./src/server/server.ts";
export type {
  ModelControlMode,
  ModelLoadDeviceLimit,
  RateLimiterResource,
  ServerOptions,
  SettingGroups,
} from "./src/server/options.ts";
export { Model, type ModelMetadata, type TensorMetadata } from "./src/server/model.ts";
export { Inference, type InferenceOptions, InferenceResponse } from "./src/server/inference.ts";
export type {
  ForwardHandler,
  FrontendSpec,
  SharedRegion,
  ThreadGroup,
  Threads,
} from "./src/threads/threads.ts";
export type {
  ClientMemory,
  Engine,
  EngineCall,
  EngineInput,
  EngineOutput,
  EngineOutputRequest,
  EngineRequest,
  EngineResponse,
  Frontend,
  InferenceEngine,
  Int64,
  LoadParameters,
  LogSettings,
  MappedMemory,
  MappingFailure,
  MemorySlice,
  ParameterValue,
  ResponseHandler,
} from "./src/engine.ts";
export type { Settled } from "./src/settled.ts";
export type { HttpApp, StopOptions } from "./src/frontend.ts";
export { KServeHttp, type KServeHttpOptions } from "./src/http/kserve_http.ts";
export { KServeGrpc } from "./src/grpc/kserve_grpc.ts";
export type { KServeGrpcOptions } from "./src/grpc/options.ts";
export type { CompressionLevel } from "./src/grpc/compression.ts";
export { Metrics, type MetricsOptions } from "./src/metrics/metrics.ts";
export {
  type TraceLevel,
  type TraceMode,
  type TraceOptions,
  type TraceSetting,
  TraceSettings,
  type TraceUpdate,
} from "./src/kserve/trace_settings.ts";
export { Feature, RestrictedFeatures, type Restriction } from "./src/kserve/restricted.ts";
export { type SetUpOptions, setUpTriton } from "./src/setup/setup.ts";
export { findSetUpTriton, type TritonInstallation } from "./src/setup/installation.ts";
export type { OnceOptions } from "./src/setup/once.ts";
