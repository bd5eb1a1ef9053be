/**
 * Registration and status of shared-memory regions.
 *
 * @module
 */
import type { Hono } from "hono";
import { limitJson } from "../kserve/limits.ts";
import { Feature } from "../kserve/restricted.ts";
import type { RegionKind } from "../kserve/shared_memory.ts";
import {
  cudaStatusJson,
  registerCuda,
  registerSystem,
  systemStatusJson,
} from "../kserve/shared_memory_json.ts";
import { type Answer, endpoint, readBody, type Service } from "./context.ts";
import { emptyResponse, jsonResponse } from "./responses.ts";

/**
 * Adds `/v2/systemsharedmemory[/region/<name>]/status`, `/register` and `/unregister`, and the same
 * for CUDA memory.
 */
export function addSharedMemory(app: Hono, service: Service): void {
  const { regions, maxInputSize } = service;
  const add = (kind: RegionKind, action: string, method: string, answer: Answer) => {
    const options = {
      feature: Feature.SHARED_MEMORY,
      methods: [method],
      errors: "application/json",
    } as const;
    const handler = endpoint(service, options, answer);
    app.all(`/v2/${kind}sharedmemory/${action}`, handler);
    app.all(`/v2/${kind}sharedmemory/region/:region/${action}`, handler);
  };
  for (const kind of ["system", "cuda"] as const) {
    const statusJson = kind === "system" ? systemStatusJson : cudaStatusJson;
    const register = kind === "system" ? registerSystem : registerCuda;
    add(kind, "status", "GET", (_, path) => jsonResponse(statusJson(regions, regionName(path))));
    add(kind, "register", "POST", async (request, path) => {
      const body = await readBody(request);
      limitJson(body.length, maxInputSize);
      register(regions, regionName(path), body);
      return emptyResponse("application/json");
    });
    add(kind, "unregister", "POST", (_, path) => {
      regions.unregister(kind, regionName(path));
      return emptyResponse("application/json");
    });
  }
}

/** The region that a path names, undefined for none. */
function regionName(path: string): string | undefined {
  return /\/region\/([^/]+)\/[a-z]+$/.exec(path)?.[1];
}
