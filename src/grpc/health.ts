/**
 * The service grpc.health.v1.Health. Triton has only Check, which says whether the server is ready,
 * whatever service is asked for; that models can be asked for by their names, and Watch, are additions.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  GRPCInferenceService,
  RepositoryIndexRequestSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../../proto/gen/health_pb.ts";
import type { InferenceEngine } from "../engine.ts";
import { repositoryIndex } from "./repository.ts";

/** How often Watch looks, in milliseconds: Triton's core tells nobody when its readiness changes. */
const WATCH_INTERVAL = 1000;

/** The service names that stand for the server. Any other may be that of a model. */
const SERVER_NAMES: ReadonlySet<string> = new Set([
  "",
  GRPCInferenceService.typeName,
  Health.typeName,
]);

/** The readiness of the server, or of the model whose name is asked for. */
export function healthService(engine: InferenceEngine): ServiceImpl<typeof Health> {
  return {
    check: async ({ service }) =>
      response(await modelStatus(engine, service) ?? serverStatus(engine)),
    watch: ({ service }, context) => changes(engine, service, context),
  };
}

/** Throws UNAVAILABLE while the server stops. */
function serverStatus(engine: InferenceEngine): ServingStatus {
  return engine.isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

/** Undefined when no repository has a model called `service`. Throws as {@link serverStatus} does. */
async function modelStatus(
  engine: InferenceEngine,
  service: string,
): Promise<ServingStatus | undefined> {
  engine.isReady();
  if (SERVER_NAMES.has(service)) return undefined;
  if (engine.isModelReady(service, -1)) return ServingStatus.SERVING;
  const { models } = await repositoryIndex(engine, create(RepositoryIndexRequestSchema));
  return models.some(({ name }) => name === service) ? ServingStatus.NOT_SERVING : undefined;
}

function response(status: ServingStatus): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}

/** The status now and whenever it has changed, until the client goes or the server stops. */
async function* changes(
  engine: InferenceEngine,
  service: string,
  { signal }: HandlerContext,
): AsyncGenerator<HealthCheckResponse> {
  let last: ServingStatus | undefined;
  while (!signal.aborted) {
    const status = SERVER_NAMES.has(service)
      ? serverStatus(engine)
      : await modelStatus(engine, service) ?? ServingStatus.SERVICE_UNKNOWN;
    if (status !== last) yield response(status);
    last = status;
    await pause(WATCH_INTERVAL, signal);
  }
}

/** Waits, though not longer than until `signal` is aborted. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
