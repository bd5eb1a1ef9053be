/**
 * Health of the server and readiness of models.
 *
 * @module
 */
import { Feature } from "../kserve/restricted.ts";
import { endpoint, type InferenceService, modelTarget, parseVersion } from "./context.ts";
import { emptyReply, textReply } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

/** Adds `/v2/health/live`, `/v2/health/ready` and `/v2/models/<model>/ready`. */
export function addHealth(routes: Routes, service: InferenceService): void {
  const { engine } = service;
  const options = { feature: Feature.HEALTH, methods: ["GET"], errors: "text/plain" } as const;
  const health = (isHealthy: boolean) => emptyReply("text/plain", isHealthy ? 200 : 400);
  routes.add("/v2/health/live", endpoint(service, options, () => health(engine.isLive())));
  routes.add("/v2/health/ready", endpoint(service, options, () => health(engine.isReady())));
  routes.add(
    `${MODEL}/ready`,
    endpoint(service, options, (request) => {
      const target = modelTarget(request);
      const version = parseVersion(target);
      let isReady: boolean;
      try {
        isReady = engine.isModelReady(target.name, version);
      } catch (reason) {
        // Models that do not exist are answered as models that are not ready.
        if (!engine.running) throw reason;
        isReady = false;
      }
      if (isReady) return emptyReply("text/plain");
      return textReply(400, "Model version not ready", "text/plain");
    }),
  );
}
