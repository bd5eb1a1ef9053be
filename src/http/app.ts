/**
 * All endpoints of the KServe HTTP front end.
 *
 * @module
 */
import type { HttpHandler } from "../http1/message.ts";
import { rpcInferenceRoutes, type RpcRoutes, rpcRoutes } from "../web/routes.ts";
import type { InferenceService, Service } from "./context.ts";
import { addGenerate } from "./generate.ts";
import { addHealth } from "./health.ts";
import { addInference } from "./inference.ts";
import { addLogging } from "./logging.ts";
import { addMetadata } from "./metadata.ts";
import { addRepository } from "./repository.ts";
import { Routes } from "./routes.ts";
import { addSharedMemory } from "./shared_memory.ts";
import { addTrace } from "./trace.ts";

/** The routes of a KServe HTTP front end; with `rpc` also those of the gRPC services. */
export function kserveRoutes(service: Service, rpc: boolean): Routes {
  const routes = new Routes();
  addInferences(routes, service);
  addLogging(routes, service);
  addSharedMemory(routes, service);
  addRepository(routes, service);
  addTrace(routes, service);
  if (rpc) addRpc(routes, rpcRoutes(service));
  return routes;
}

/** The routes that any thread can answer by itself; `otherwise` answers all others. */
export function threadRoutes(
  service: InferenceService,
  rpc: boolean,
  otherwise: HttpHandler,
): Routes {
  const routes = new Routes(otherwise);
  addInferences(routes, service);
  if (rpc) addRpc(routes, rpcInferenceRoutes(service));
  return routes;
}

function addInferences(routes: Routes, service: InferenceService): void {
  addMetadata(routes, service);
  addHealth(routes, service);
  addInference(routes, service);
  addGenerate(routes, service);
}

function addRpc(routes: Routes, methods: RpcRoutes): void {
  for (const [path, handler] of methods) routes.add(path, handler);
}
