/**
 * The model repository: index, load and unload.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { HttpReply } from "../http1/message.ts";
import { limitJson } from "../kserve/limits.ts";
import { parseIndexRequest, parseLoadRequest, parseUnloadRequest } from "../kserve/load_request.ts";
import { Feature } from "../kserve/restricted.ts";
import { type Control, type Service, withBody } from "./context.ts";
import { emptyReply, jsonReply, notFoundReply } from "./replies.ts";
import type { Routes } from "./routes.ts";

const INDEX = /\/v2\/repository(?:\/[^/]+)?\/index$/;
const MODEL_ACTION = /\/v2\/repository(?:\/([^/]+))?\/models\/([^/]+)\/(load|unload)$/;

/**
 * Adds `/v2/repository/index`, `/v2/repository/models/<model>/load` and `/unload`. A repository's name
 * may stand behind `/v2/repository`: the index ignores it, the others refuse it.
 */
export function addRepository(routes: Routes, control: Control): void {
  const options = {
    feature: Feature.MODEL_REPOSITORY,
    methods: ["POST"],
    errors: "application/json",
  } as const;
  type Answer = (engine: Service["engine"], body: Uint8Array, path: string) => Promise<HttpReply>;
  const add = (answer: Answer) =>
    control.endpoint(options, ({ engine, maxInputSize }, request) =>
      withBody(request, (body) => {
        limitJson(body.length, maxInputSize);
        return answer(engine, body, request.path);
      }));

  const index = add(async (engine, body) => {
    return jsonReply(await engine.repositoryIndexJson(parseIndexRequest(body)));
  });
  const changeModel = add(async (engine, body, path) => {
    const [, repository, model, action] = MODEL_ACTION.exec(path)!;
    if (repository !== undefined) {
      throw new TritonError("UNSUPPORTED", "'repository_name' specification is not supported");
    }
    if (action === "load") {
      await engine.loadModel(model, parseLoadRequest(body));
    } else {
      await engine.unloadModel(model, { unloadDependents: parseUnloadRequest(body) });
    }
    return emptyReply("application/json");
  });
  routes.add("/v2/repository/*", (request) => {
    const { path } = request;
    if (MODEL_ACTION.test(path)) return changeModel(request);
    return INDEX.test(path) ? index(request) : notFoundReply();
  });
}
