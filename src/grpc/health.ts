/**
 * The service grpc.health.v1.Health. Triton has only Check; Watch is an addition.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "../../proto/gen/health_pb.ts";
import type { Engine } from "../engine.ts";

/** How often Watch looks, in milliseconds: Triton's core tells nobody when its readiness changes. */
const WATCH_INTERVAL = 1000;

/** Health as Triton has it: the readiness of the server, whatever service is asked for. */
export function healthService(engine: Engine): ServiceImpl<typeof Health> {
  return {
    check: () => response(statusNow(engine)),
    watch: (_request, context) => changes(engine, context),
  };
}

function statusNow(engine: Engine): ServingStatus {
  return engine.isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

function response(status: ServingStatus): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}

/** The status now and whenever it has changed, until the client goes or the server stops. */
async function* changes(
  engine: Engine,
  { signal }: HandlerContext,
): AsyncGenerator<HealthCheckResponse> {
  let last: ServingStatus | undefined;
  while (!signal.aborted) {
    const status = statusNow(engine);
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
