/**
 * Generation: `/v2/models/<model>/generate`, and `/generate_stream` with server-sent events.
 *
 * @module
 */
import type { EngineRequest, EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { HttpAnswer, HttpReply, HttpRequest } from "../http1/message.ts";
import { parseGenerate } from "../kserve/generate_request.ts";
import { encodeGenerate } from "../kserve/generate_response.ts";
import { parseInputSchema } from "../kserve/model_schema.ts";
import { Feature } from "../kserve/restricted.ts";
import {
  endpoint,
  type InferenceService,
  isBareEnd,
  modelTarget,
  parseVersion,
  withBody,
} from "./context.ts";
import { EventStream } from "./event_stream.ts";
import { loadHeaders } from "./orca.ts";
import { JSON_FIELDS } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

type Generate = (
  service: InferenceService,
  request: HttpRequest,
  inference: EngineRequest,
) => Promise<HttpReply>;

/** Adds `/v2/models/<model>/generate` and `/v2/models/<model>/generate_stream`. */
export function addGenerate(routes: Routes, service: InferenceService): void {
  const options = {
    feature: Feature.INFERENCE,
    methods: ["POST"],
    errors: "application/json",
  } as const;
  const add = (path: string, answer: Generate) => {
    const handler = endpoint(service, options, (request) => {
      return readGenerate(service, request, (inference) => answer(service, request, inference));
    });
    routes.add(path, handler);
  };
  add(`${MODEL}/generate`, generate);
  add(`${MODEL}/generate_stream`, generateStream);
}

function readGenerate(
  { engine, maxInputSize }: InferenceService,
  request: HttpRequest,
  answer: (inference: EngineRequest) => Promise<HttpReply>,
): HttpAnswer {
  const target = modelTarget(request);
  const modelName = target.name;
  const modelVersion = parseVersion(target);
  const schema = parseInputSchema(engine.modelMetadataJson(modelName, modelVersion));
  const encoding = request.header("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new TritonError(
      "INVALID_ARG",
      "Unsupported content-encoding, only 'identity' is supported.",
    );
  }
  return withBody(request, (body) => {
    return answer(parseGenerate(body, { modelName, modelVersion, schema, maxInputSize }));
  });
}

/** The one response of a model that makes exactly one. */
function generate(
  service: InferenceService,
  request: HttpRequest,
  inference: EngineRequest,
): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const bodies: Uint8Array[] = [];
  let error: unknown;
  const call = service.engine.infer(inference, (response) => {
    if (!isBareEnd(response)) {
      try {
        bodies.push(encodeResponse(response));
      } catch (reason) {
        error ??= reason;
      }
    }
    response.release();
    if (!response.final) return;
    if (error !== undefined) {
      reject(error);
    } else if (bodies.length === 1) {
      const fields = [...JSON_FIELDS, ...loadHeaders(service, request)];
      resolve({ status: 200, fields, body: bodies[0], isChunked: true });
    } else {
      reject(
        new TritonError(
          "INTERNAL",
          "generate expects model to produce exactly 1 response, use generate stream for model " +
            "that generates various number of responses",
        ),
      );
    }
  });
  request.onGone(() => call.cancel());
  return promise;
}

/** The JSON of a response; throws the error that it carries. */
function encodeResponse(response: EngineResponse): Uint8Array {
  if (response.error !== undefined) throw response.error;
  return encodeGenerate(response);
}

/**
 * The responses as events. Nothing is sent before the first one, whose success decides the status; a
 * client that goes away cancels the inference.
 */
function generateStream(
  service: InferenceService,
  request: HttpRequest,
  inference: EngineRequest,
): Promise<HttpReply> {
  const events = new EventStream(() => loadHeaders(service, request));
  const call = service.engine.infer(inference, (response) => {
    if (!isBareEnd(response) && !events.isAbandoned) {
      try {
        events.send(encodeResponse(response));
      } catch (reason) {
        events.fail(TritonError.from(reason).message);
      }
    }
    response.release();
    if (response.final) events.end();
  });
  events.hold = (held) => call.hold(held);
  request.onGone(() => {
    events.isAbandoned = true;
    call.cancel();
  });
  return events.reply;
}
