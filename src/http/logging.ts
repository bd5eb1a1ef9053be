/**
 * Log settings.
 *
 * @module
 */
import type { Hono } from "hono";
import { parseJson } from "../kserve/json/value.ts";
import { limitJson } from "../kserve/limits.ts";
import { applyLogSettings, logSettingsJson } from "../kserve/log_settings.ts";
import { Feature } from "../kserve/restricted.ts";
import { endpoint, readBody, type Service } from "./context.ts";
import { jsonResponse } from "./responses.ts";

/** Adds `/v2/logging`. */
export function addLogging(app: Hono, service: Service): void {
  const { engine } = service;
  const options = {
    feature: Feature.LOGGING,
    methods: ["GET", "POST"],
    errors: "application/json",
  } as const;
  app.all(
    "/v2/logging",
    endpoint(service, options, async (request) => {
      if (request.method === "POST") {
        const body = await readBody(request);
        limitJson(body.length, service.maxInputSize);
        applyLogSettings(parseJson(body), (settings) => engine.updateLogSettings(settings));
      }
      return jsonResponse(logSettingsJson(engine.logSettings()));
    }),
  );
}
