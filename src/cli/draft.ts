/**
 * The options of `serve` while its flags are being read: everything settable, with `tritonserver`'s
 * defaults where they differ from those of the options they become.
 *
 * @module
 */
import type { KServeGrpcOptions } from "../grpc/options.ts";
import type { KServeHttpOptions } from "../http/kserve_http.ts";
import { RestrictedFeatures } from "../kserve/restricted.ts";
import type { ServerOptions } from "../server/options.ts";
import type { SettingGroups } from "./values.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Where a service listens, and whether it does. */
export interface ServiceDraft {
  allow: boolean;
  address: string;
  port: number;
}

/** The options of `serve`, half made. */
export interface Draft {
  /** Server options that are one value; what the other members collect is added at the end. */
  readonly server: Writable<Omit<ServerOptions, "modelRepository">>;
  readonly modelRepositories: Set<string>;
  readonly startupModels: Set<string>;
  readonly rateLimiterResources: { name: string; count: number; device: number }[];
  readonly cudaMemoryPoolByteSizes: Record<number, number>;
  readonly cudaVirtualAddressSizes: Record<number, number>;
  /** Device to the share of its memory that loads may fill. */
  readonly gpuLoadLimits: Map<number, number>;
  readonly backendConfig: SettingGroups;
  readonly cacheConfig: SettingGroups;
  readonly hostPolicies: SettingGroups;
  readonly metricsConfig: SettingGroups;
  disableAutoCompleteConfig: boolean;
  repositoryPollSeconds: number;

  readonly http: ServiceDraft & Writable<Omit<KServeHttpOptions, "address" | "port">> & {
    readonly restrictedFeatures: RestrictedFeatures;
  };
  readonly grpc: ServiceDraft & Writable<Omit<KServeGrpcOptions, "address" | "port">> & {
    readonly restrictedFeatures: RestrictedFeatures;
  };
  /** An empty address is that of HTTP. */
  readonly metrics: ServiceDraft;

  /** Lines for the operator about flags that are deprecated or have no effect. */
  readonly notices: string[];
}

/** The options of `serve` without any flag. */
export function emptyDraft(): Draft {
  return {
    server: { logInfo: true, logWarning: true, logError: true },
    modelRepositories: new Set(),
    startupModels: new Set(),
    rateLimiterResources: [],
    cudaMemoryPoolByteSizes: {},
    cudaVirtualAddressSizes: {},
    gpuLoadLimits: new Map(),
    backendConfig: {},
    cacheConfig: {},
    hostPolicies: {},
    metricsConfig: {},
    disableAutoCompleteConfig: false,
    repositoryPollSeconds: 15,
    http: {
      allow: true,
      address: "0.0.0.0",
      port: 8000,
      restrictedFeatures: new RestrictedFeatures(),
    },
    grpc: {
      allow: true,
      address: "0.0.0.0",
      port: 8001,
      restrictedFeatures: new RestrictedFeatures(),
    },
    metrics: { allow: true, address: "", port: 8002 },
    notices: [],
  };
}
