/**
 * The Hono app that holds all endpoints.
 *
 * @module
 */
import { Hono } from "hono";
import { rawPath, type Service } from "./context.ts";
import { addGenerate } from "./generate.ts";
import { addHealth } from "./health.ts";
import { addInference } from "./inference.ts";
import { addLogging } from "./logging.ts";
import { addMetadata } from "./metadata.ts";
import { addRepository } from "./repository.ts";
import { notFoundResponse } from "./responses.ts";
import { addSharedMemory } from "./shared_memory.ts";
import { addTrace } from "./trace.ts";

/** The app of a KServe HTTP front end. Paths are matched as they came, without decoding. */
export function kserveApp(service: Service): Hono {
  const app = new Hono({ getPath: rawPath });
  addMetadata(app, service);
  addLogging(app, service);
  addHealth(app, service);
  addInference(app, service);
  addGenerate(app, service);
  addSharedMemory(app, service);
  addRepository(app, service);
  addTrace(app, service);
  app.notFound(notFoundResponse);
  return app;
}
