/**
 * From the command line of `serve` to the options of the server and its front ends, with the checks
 * that need more than one flag.
 *
 * @module
 */
import type { KServeGrpcOptions } from "../grpc/options.ts";
import type { KServeHttpOptions } from "../http/kserve_http.ts";
import type { MetricsOptions } from "../metrics/metrics.ts";
import type { ServerOptions } from "../server/options.ts";
import { type Draft, emptyDraft, type ServiceDraft } from "./draft.ts";
import { CommandError } from "./errors.ts";
import type { Flag } from "./flag.ts";
import { FLAGS } from "./flags.ts";
import { type FlagShape, splitFlags } from "./getopt.ts";

/** What `serve` shall run. A front end without options is not started. */
export interface ServeOptions {
  readonly server: ServerOptions;
  readonly http?: KServeHttpOptions;
  readonly grpc?: KServeGrpcOptions;
  readonly metrics?: MetricsOptions;
  /** Seconds between two polls of the model repository; 0 for none. */
  readonly repositoryPollSeconds: number;
  /** Lines for the operator about flags that are deprecated or have no effect. */
  readonly notices: readonly string[];
}

const HELP: FlagShape = { name: "help" };

/**
 * The options that `args`, the command line behind `serve`, ask for, or `"help"` when it has `--help`.
 *
 * @throws {CommandError} for anything wrong with it, with `tritonserver`'s text where it has one.
 */
export function parseServeOptions(args: readonly string[]): ServeOptions | "help" {
  const draft = emptyDraft();
  for (const { flag, value } of splitFlags<FlagShape>(args, [HELP, ...FLAGS])) {
    if (flag === HELP) return "help";
    try {
      useFlag(flag as Flag, value, draft);
    } catch (reason) {
      if (!(reason instanceof CommandError)) throw reason;
      throw new CommandError(`Bad option: "--${flag.name}".\n${reason.message}`);
    }
  }
  return finish(draft);
}

function useFlag({ name, use }: Flag, value: string, draft: Draft): void {
  switch (use.status) {
    case "built":
      use.read(value, draft);
      break;
    case "no effect":
      use.check(value);
      draft.notices.push(`--${name} has no effect: ${use.reason}`);
      break;
    case "not built":
      if (use.harmless(value)) break;
      throw new CommandError(
        `--${name} is known but not built yet in @triton-ts/frontend; leave it out, or use NVIDIA's ` +
          "own tritonserver where you need it",
      );
  }
}

function finish(draft: Draft): ServeOptions {
  const mode = draft.server.modelControlMode;
  if (draft.startupModels.size > 0 && mode !== "explicit") {
    throw new CommandError(
      "Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well.",
    );
  }
  if (
    draft.server.responseCacheByteSize !== undefined && Object.keys(draft.cacheConfig).length > 0
  ) {
    throw new CommandError(
      "Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. " +
        "Please provide one or the other.",
    );
  }
  if (draft.metrics.address === "") draft.metrics.address = draft.http.address;
  checkPorts(draft);
  return {
    server: serverOptions(draft),
    http: ifAllowed(draft.http),
    grpc: ifAllowed(draft.grpc),
    metrics: ifAllowed(draft.metrics),
    repositoryPollSeconds: mode === "poll" ? draft.repositoryPollSeconds : 0,
    notices: draft.notices,
  };
}

function ifAllowed<T extends ServiceDraft>({ allow, ...options }: T): Omit<T, "allow"> | undefined {
  return allow ? options : undefined;
}

/** Two services that would listen at the same place; a free port for each is no such place. */
function checkPorts({ http, grpc, metrics }: Draft): void {
  const services = [
    { name: "HTTP", ...http },
    { name: "GRPC", ...grpc },
    { name: "metrics", ...metrics },
  ].filter(({ allow, port }) => allow && port !== 0);
  for (const [index, one] of services.entries()) {
    const other = services.slice(index + 1)
      .find(({ address, port }) => address === one.address && port === one.port);
    if (other === undefined) continue;
    throw new CommandError(
      `The server cannot listen to ${one.name} requests and ${other.name} requests at the same ` +
        `address and port ${one.address}:${one.port}`,
    );
  }
}

function serverOptions(draft: Draft): ServerOptions {
  const { server } = draft;
  if (draft.disableAutoCompleteConfig && server.strictModelConfig === false) {
    draft.notices.push(
      "Warning: Overriding deprecated '--strict-model-config' from False to True in favor of " +
        "'--disable-auto-complete-config'!",
    );
  }
  return {
    ...server,
    strictModelConfig: draft.disableAutoCompleteConfig || (server.strictModelConfig ?? false),
    modelRepository: [...draft.modelRepositories],
    startupModels: [...draft.startupModels],
    rateLimiterResources: draft.rateLimiterResources,
    cudaMemoryPoolByteSizes: draft.cudaMemoryPoolByteSizes,
    cudaVirtualAddressSizes: draft.cudaVirtualAddressSizes,
    modelLoadDeviceLimits: [...draft.gpuLoadLimits].map(([device, fraction]) => ({
      kind: "gpu",
      device,
      fraction,
    })),
    backendConfig: draft.backendConfig,
    cacheConfig: draft.cacheConfig,
    hostPolicies: draft.hostPolicies,
    metricsConfig: draft.metricsConfig,
    metrics: draft.metrics.allow,
    gpuMetrics: draft.metrics.allow && (server.gpuMetrics ?? true),
    cpuMetrics: draft.metrics.allow && (server.cpuMetrics ?? true),
  };
}
