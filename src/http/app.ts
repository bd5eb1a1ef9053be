/**
 * All endpoints of the KServe HTTP front end.
 *
 * @module
 */
import {
  type ForwardingHandler,
  type RpcRoutes,
  rpcRoutes,
  rpcThreadRoutes,
} from "../web/routes.ts";
import {
  type Control,
  forwardedControl,
  type InferenceService,
  mainControl,
  type Service,
} from "./context.ts";
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
  addControl(routes, mainControl(service));
  if (rpc) addRpc(routes, rpcRoutes(service));
  return routes;
}

/** The routes of a thread, which has `forward` answer what it cannot answer by itself. */
export function threadRoutes(
  service: InferenceService,
  rpc: boolean,
  forward: ForwardingHandler,
): Routes {
  const routes = new Routes();
  addInferences(routes, service);
  addControl(routes, forwardedControl(service, forward));
  if (rpc) addRpc(routes, rpcThreadRoutes(service, forward));
  return routes;
}

function addControl(routes: Routes, control: Control): void {
  addLogging(routes, control);
  addSharedMemory(routes, control);
  addRepository(routes, control);
  addTrace(routes, control);
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
