/**
 * Registration and status of shared-memory regions.
 *
 * @module
 */
import type { HttpAnswer, HttpRequest } from "../http1/message.ts";
import { limitJson } from "../kserve/limits.ts";
import { Feature } from "../kserve/restricted.ts";
import type { RegionKind } from "../kserve/shared_memory.ts";
import {
  cudaStatusJson,
  registerCuda,
  registerSystem,
  systemStatusJson,
} from "../kserve/shared_memory_json.ts";
import { type Control, type Service, withBody } from "./context.ts";
import { emptyReply, jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";

/**
 * Adds `/v2/systemsharedmemory[/region/<name>]/status`, `/register` and `/unregister`, and the same
 * for CUDA memory.
 */
export function addSharedMemory(routes: Routes, control: Control): void {
  type Answer = (service: Service, request: HttpRequest) => HttpAnswer;
  const add = (kind: RegionKind, action: string, method: string, answer: Answer) => {
    const options = {
      feature: Feature.SHARED_MEMORY,
      methods: [method],
      errors: "application/json",
    } as const;
    const handler = control.endpoint(options, answer);
    routes.add(`/v2/${kind}sharedmemory/${action}`, handler);
    routes.add(`/v2/${kind}sharedmemory/region/:region/${action}`, handler);
  };
  for (const kind of ["system", "cuda"] as const) {
    const statusJson = kind === "system" ? systemStatusJson : cudaStatusJson;
    const register = kind === "system" ? registerSystem : registerCuda;
    add(kind, "status", "GET", ({ regions }, request) => {
      return jsonReply(statusJson(regions, regionName(request)));
    });
    add(
      kind,
      "register",
      "POST",
      ({ regions, maxInputSize }, request) =>
        withBody(request, async (body) => {
          limitJson(body.length, maxInputSize);
          await register(regions, regionName(request), body);
          return emptyReply("application/json");
        }),
    );
    add(kind, "unregister", "POST", async ({ regions }, request) => {
      await regions.unregister(kind, regionName(request));
      return emptyReply("application/json");
    });
  }
}

/** The region that a path names, undefined for none. */
function regionName({ path }: HttpRequest): string | undefined {
  return /\/region\/([^/]+)\/[a-z]+$/.exec(path)?.[1];
}
