/**
 * All endpoints of the KServe HTTP front end.
 *
 * @module
 */
import type { Service } from "./context.ts";
import { addGenerate } from "./generate.ts";
import { addHealth } from "./health.ts";
import { addInference } from "./inference.ts";
import { addLogging } from "./logging.ts";
import { addMetadata } from "./metadata.ts";
import { addRepository } from "./repository.ts";
import { Routes } from "./routes.ts";
import { addSharedMemory } from "./shared_memory.ts";
import { addTrace } from "./trace.ts";
import { rpcRoutes } from "../web/routes.ts";

/** The routes of a KServe HTTP front end; with `rpc` also those of the gRPC services. */
export function kserveRoutes(service: Service, rpc: boolean): Routes {
  const routes = new Routes();
  addMetadata(routes, service);
  addLogging(routes, service);
  addHealth(routes, service);
  addInference(routes, service);
  addGenerate(routes, service);
  addSharedMemory(routes, service);
  addRepository(routes, service);
  addTrace(routes, service);
  if (rpc) { for (const [path, handler] of rpcRoutes(service)) routes.add(path, handler); }
  return routes;
}
