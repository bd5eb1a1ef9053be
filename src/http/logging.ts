/**
 * Log settings.
 *
 * @module
 */
import { parseJson } from "../kserve/json/value.ts";
import { limitJson } from "../kserve/limits.ts";
import { applyLogSettings, logSettingsJson } from "../kserve/log_settings.ts";
import { Feature } from "../kserve/restricted.ts";
import { type Control, withBody } from "./context.ts";
import { jsonReply } from "./replies.ts";
import type { Routes } from "./routes.ts";

/** Adds `/v2/logging`. */
export function addLogging(routes: Routes, control: Control): void {
  const options = {
    feature: Feature.LOGGING,
    methods: ["GET", "POST"],
    errors: "application/json",
  } as const;
  routes.add(
    "/v2/logging",
    control.endpoint(options, ({ engine, maxInputSize }, request) => {
      if (request.method === "GET") return jsonReply(logSettingsJson(engine.logSettings()));
      return withBody(request, (body) => {
        limitJson(body.length, maxInputSize);
        applyLogSettings(parseJson(body), (settings) => engine.updateLogSettings(settings));
        return jsonReply(logSettingsJson(engine.logSettings()));
      });
    }),
  );
}
