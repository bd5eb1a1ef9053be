/**
 * Trace settings of the server and of models.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { HttpRequest } from "../http1/message.ts";
import { parseJson } from "../kserve/json/value.ts";
import { limitJson } from "../kserve/limits.ts";
import { Feature } from "../kserve/restricted.ts";
import { parseTraceUpdate } from "../kserve/trace_settings.ts";
import { type Control, modelTarget, type Service, withBody } from "./context.ts";
import { jsonReply, notFoundReply } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

/** Adds `/v2/trace/setting` and `/v2/models/<model>/trace/setting`. */
export function addTrace(routes: Routes, control: Control): void {
  const options = {
    feature: Feature.TRACE,
    methods: ["GET", "POST"],
    errors: "application/json",
  } as const;
  const answer = (service: Service, request: HttpRequest, model?: string) => {
    const { engine, traceSettings } = service;
    if (model !== undefined && !isReady(service, model)) {
      throw new TritonError("INVALID_ARG", `Request for unknown model : ${model}`);
    }
    if (!engine.running) throw new TritonError("UNAVAILABLE", "Server not ready");
    if (request.method === "GET") return jsonReply(traceSettings.json(model));
    return withBody(request, (body) => {
      limitJson(body.length, service.maxInputSize);
      traceSettings.update(parseTraceUpdate(parseJson(body)), model);
      return jsonReply(traceSettings.json(model));
    });
  };
  routes.add("/v2/trace/setting", control.endpoint(options, answer));
  const ofModel = control.endpoint(options, (service, request) => {
    return answer(service, request, modelTarget(request).name);
  });
  routes.add(`${MODEL}/trace/setting`, (request) => {
    // Only models as a whole have settings: with a version it is a path that does not exist.
    return modelTarget(request).versionText === undefined ? ofModel(request) : notFoundReply();
  });
}

function isReady({ engine }: Service, model: string): boolean {
  try {
    return engine.isModelReady(model, -1);
  } catch {
    return false;
  }
}
