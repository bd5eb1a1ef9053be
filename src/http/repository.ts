/**
 * The model repository: index, load and unload.
 *
 * @module
 */
import type { Context, Hono } from "hono";
import { TritonError } from "../errors.ts";
import { limitJson } from "../kserve/limits.ts";
import { parseIndexRequest, parseLoadRequest, parseUnloadRequest } from "../kserve/load_request.ts";
import { Feature } from "../kserve/restricted.ts";
import { type Answer, endpoint, rawPath, readBody, type Service } from "./context.ts";
import { emptyResponse, jsonResponse, notFoundResponse } from "./responses.ts";

const INDEX = /\/v2\/repository(?:\/[^/]+)?\/index$/;
const MODEL_ACTION = /\/v2\/repository(?:\/([^/]+))?\/models\/([^/]+)\/(load|unload)$/;

/**
 * Adds `/v2/repository/index`, `/v2/repository/models/<model>/load` and `/unload`. A repository's name
 * may stand behind `/v2/repository`: the index ignores it, the others refuse it.
 */
export function addRepository(app: Hono, service: Service): void {
  const { engine, maxInputSize } = service;
  const options = {
    feature: Feature.MODEL_REPOSITORY,
    methods: ["POST"],
    errors: "application/json",
  } as const;
  const add = (answer: (body: Uint8Array, path: string) => Promise<Response>) => {
    const limited: Answer = async (request, path) => {
      const body = await readBody(request);
      limitJson(body.length, maxInputSize);
      return await answer(body, path);
    };
    return endpoint(service, options, limited);
  };

  const index = add(async (body) => {
    return jsonResponse(await engine.repositoryIndexJson(parseIndexRequest(body)));
  });
  const changeModel = add(async (body, path) => {
    const [, repository, model, action] = MODEL_ACTION.exec(path)!;
    if (repository !== undefined) {
      throw new TritonError("UNSUPPORTED", "'repository_name' specification is not supported");
    }
    if (action === "load") {
      await engine.loadModel(model, parseLoadRequest(body));
    } else {
      await engine.unloadModel(model, { unloadDependents: parseUnloadRequest(body) });
    }
    return emptyResponse("application/json");
  });
  app.all("/v2/repository/*", (context: Context, next) => {
    const path = rawPath(context.req.raw);
    if (MODEL_ACTION.test(path)) return changeModel(context, next);
    return INDEX.test(path) ? index(context, next) : notFoundResponse();
  });
}
