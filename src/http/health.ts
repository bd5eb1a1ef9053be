/**
 * Health of the server and readiness of models.
 *
 * @module
 */
import type { Hono } from "hono";
import { Feature } from "../kserve/restricted.ts";
import { endpoint, modelTarget, parseVersion, type Service } from "./context.ts";
import { MODEL } from "./paths.ts";
import { emptyResponse, textResponse } from "./responses.ts";

/** Adds `/v2/health/live`, `/v2/health/ready` and `/v2/models/<model>/ready`. */
export function addHealth(app: Hono, service: Service): void {
  const { engine } = service;
  const options = { feature: Feature.HEALTH, methods: ["GET"], errors: "text/plain" } as const;
  const health = (isHealthy: boolean) => emptyResponse("text/plain", isHealthy ? 200 : 400);
  app.all("/v2/health/live", endpoint(service, options, () => health(engine.isLive())));
  app.all("/v2/health/ready", endpoint(service, options, () => health(engine.isReady())));
  app.all(
    `${MODEL}/ready`,
    endpoint(service, options, (_, path) => {
      const target = modelTarget(path);
      const version = parseVersion(target);
      let isReady: boolean;
      try {
        isReady = engine.isModelReady(target.name, version);
      } catch (reason) {
        // Models that do not exist are answered as models that are not ready.
        if (!engine.running) throw reason;
        isReady = false;
      }
      if (isReady) return emptyResponse("text/plain");
      return textResponse(400, "Model version not ready", "text/plain");
    }),
  );
}
