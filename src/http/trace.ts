/**
 * Trace settings of the server and of models.
 *
 * @module
 */
import type { Hono } from "hono";
import { TritonError } from "../errors.ts";
import { parseJson } from "../kserve/json/value.ts";
import { limitJson } from "../kserve/limits.ts";
import { Feature } from "../kserve/restricted.ts";
import { parseTraceUpdate } from "../kserve/trace_settings.ts";
import { type Answer, endpoint, modelTarget, rawPath, readBody, type Service } from "./context.ts";
import { MODEL } from "./paths.ts";
import { jsonResponse, notFoundResponse } from "./responses.ts";

/** Adds `/v2/trace/setting` and `/v2/models/<model>/trace/setting`. */
export function addTrace(app: Hono, service: Service): void {
  const options = {
    feature: Feature.TRACE,
    methods: ["GET", "POST"],
    errors: "application/json",
  } as const;
  const answer = async (request: Request, model?: string) => {
    const { engine, traceSettings } = service;
    if (model !== undefined && !isReady(service, model)) {
      throw new TritonError("INVALID_ARG", `Request for unknown model : ${model}`);
    }
    if (!engine.running) throw new TritonError("UNAVAILABLE", "Server not ready");
    if (request.method === "POST") {
      const body = await readBody(request);
      limitJson(body.length, service.maxInputSize);
      traceSettings.update(parseTraceUpdate(parseJson(body)), model);
    }
    return jsonResponse(traceSettings.json(model));
  };
  const ofServer: Answer = (request) => answer(request);
  const ofModel: Answer = (request, path) => answer(request, modelTarget(path).name);
  app.all("/v2/trace/setting", endpoint(service, options, ofServer));
  const handler = endpoint(service, options, ofModel);
  app.all(`${MODEL}/trace/setting`, (context, next) => {
    // Only models as a whole have settings: with a version it is a path that does not exist.
    const target = modelTarget(rawPath(context.req.raw));
    return target.versionText === undefined ? handler(context, next) : notFoundResponse();
  });
}

function isReady({ engine }: Service, model: string): boolean {
  try {
    return engine.isModelReady(model, -1);
  } catch {
    return false;
  }
}
