/**
 * The options of a server: those of Triton's C API (`TRITONSERVER_ServerOptionsSet*`) by their names in
 * camelCase, and where to find Triton itself.
 *
 * @module
 */

/** Which models are loaded, and when. */
export type ModelControlMode = "none" | "poll" | "explicit";

/** A resource of the rate limiter. */
export interface RateLimiterResource {
  /** The resource's name, as models name it. */
  name: string;
  /** How many of it there are. */
  count: number;
  /** The device that has them; -1 for a resource of the whole machine. Default -1. */
  device?: number;
}

/** How much of a device's memory model loading may use. */
export interface ModelLoadDeviceLimit {
  /** The kind of device; Triton supports only `"gpu"`. */
  kind: "gpu";
  /** The device's number. */
  device: number;
  /** The share of its memory, 0 to 1. */
  fraction: number;
}

/** Named settings in named groups, for example `{ python: { "shm-default-byte-size": "1048576" } }`. */
export type SettingGroups = Record<string, Record<string, string | number | boolean>>;

/** Options of {@link Server}. Only `modelRepository` is required. */
export interface ServerOptions {
  /** The model repository's folder (or a cloud storage address that Triton knows), or several. */
  modelRepository: string | readonly string[];
  /**
   * Path of libtritonserver. Default: `$TRITON_SERVER_LIBRARY`, else the set-up folder, else
   * `/opt/tritonserver/lib/libtritonserver.so`.
   */
  library?: string;
  /**
   * The folder of Triton's backends. Default: `$TRITON_BACKEND_DIRECTORY`, else the one that belongs to
   * the library.
   */
  backendDirectory?: string;
  /** The folder of repository agents. Default: `/opt/tritonserver/repoagents`. */
  repoAgentDirectory?: string;
  /** The folder of response caches. Default: the one that belongs to the library. */
  cacheDirectory?: string;
  /** When no Triton is found, get one from PyPI into the user's cache (once). Default true. */
  setUp?: boolean;

  /** The name under which the server presents itself. Default `"triton"`. */
  serverId?: string;
  /**
   * `"none"`: all models of the repository are loaded at the start. `"poll"`: as `"none"`, and changes
   * are taken over by {@link Server.pollModelRepository}. `"explicit"`: only `startupModels`, and what
   * is loaded later. Default `"none"`.
   */
  modelControlMode?: ModelControlMode;
  /** Models to load at the start in mode `"explicit"`; `"*"` alone for all. Default none. */
  startupModels?: readonly string[];
  /** Refuse models without a complete configuration file. Default false: Triton completes it. */
  strictModelConfig?: boolean;
  /** The name of a custom configuration in each model's `configs` folder. Default none. */
  modelConfigName?: string;
  /** Whether model instances compete for resources. Default `"off"`. */
  rateLimiterMode?: "off" | "execution_count";
  /** The resources of the rate limiter. Default none. */
  rateLimiterResources?: readonly RateLimiterResource[];
  /** Bytes of pinned host memory. Default 268435456 (256 MiB). */
  pinnedMemoryPoolByteSize?: number;
  /** Bytes of device memory by device number. Default 64 MiB each. */
  cudaMemoryPoolByteSizes?: Record<number, number>;
  /** Bytes of virtual device address space by device number. Default 1 GiB each. */
  cudaVirtualAddressSizes?: Record<number, number>;
  /** Response caches by name, for example `{ local: { size: 1048576 } }`. Default none. */
  cacheConfig?: Record<string, Record<string, unknown>>;
  /** The old way to ask for a local cache of so many bytes. Default none. */
  responseCacheByteSize?: number;
  /** The lowest CUDA compute capability that is used. Default: the library's. */
  minSupportedComputeCapability?: number;
  /** Whether a model that fails to load makes the start fail. Default true. */
  exitOnError?: boolean;
  /** Whether the server is ready only while all its models are. Default true. */
  strictReadiness?: boolean;
  /** Seconds that a stop waits for running inferences, 0 to 4294967295. Default 30. */
  exitTimeout?: number;
  /** Threads that copy input and output tensors. Default 0. */
  bufferManagerThreadCount?: number;
  /** Threads that load models. Default 4. */
  modelLoadThreadCount?: number;
  /** How often a failed load is tried again. Default 0. */
  modelLoadRetryCount?: number;
  /** Limits on device memory during loads. Default none. */
  modelLoadDeviceLimits?: readonly ModelLoadDeviceLimit[];
  /** Let models of different repositories have the same name. Default false. */
  modelNamespacing?: boolean;
  /** Whether GPUs may read each other's memory. Default true. */
  enablePeerAccess?: boolean;
  /** Settings of backends by backend name; `""` for all. Default none. */
  backendConfig?: SettingGroups;
  /** Host policies by name, with the settings `numa-node` and `cpu-cores`. Default none. */
  hostPolicies?: SettingGroups;

  /** The file that log lines go to, for the whole process. Default: the console. */
  logFile?: string;
  /** Log information. Default false. */
  logInfo?: boolean;
  /** Log warnings. Default true. */
  logWarning?: boolean;
  /** Log errors. Default true. */
  logError?: boolean;
  /** The form of log lines. Default `"default"`. */
  logFormat?: "default" | "ISO8601";
  /** The level of verbose logging. Default 0: none. */
  logVerbose?: number;

  /** Collect metrics. Default true. */
  metrics?: boolean;
  /** Collect metrics of GPUs. Default true. */
  gpuMetrics?: boolean;
  /** Collect metrics of the CPU. Default true. */
  cpuMetrics?: boolean;
  /** Milliseconds between readings of CPU and GPU metrics. Default 2000. */
  metricsInterval?: number;
  /** Settings of metrics by group; `""` for all, for example `{ "": { summary_latencies: true } }`. */
  metricsConfig?: SettingGroups;
}
