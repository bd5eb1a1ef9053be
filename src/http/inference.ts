/**
 * Inference: `/v2/models/<model>/infer`.
 *
 * @module
 */
import type { EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { Field, HttpReply, HttpRequest } from "../http1/message.ts";
import {
  acceptedEncoding,
  compress,
  contentEncoding,
  decompress,
  type Encoding,
} from "../kserve/compression.ts";
import { forwardedHeaders } from "../kserve/header_forwarding.ts";
import { type Inference, parseHeaderLength, parseInference } from "../kserve/infer_request.ts";
import { encodeInference, type InferenceBody } from "../kserve/infer_response.ts";
import { Feature } from "../kserve/restricted.ts";
import {
  endpoint,
  isBareEnd,
  type ModelTarget,
  modelTarget,
  parseVersion,
  type Service,
  withBody,
} from "./context.ts";
import { errorReply, JSON_FIELDS } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

/** Adds `/v2/models/<model>/infer`. */
export function addInference(routes: Routes, service: Service): void {
  const options = { feature: Feature.INFERENCE, methods: ["POST"], errors: "text/plain" } as const;
  routes.add(`${MODEL}/infer`, endpoint(service, options, (request) => infer(service, request)));
}

/** What is thrown from here is labelled text/plain, as Triton labels all but the errors of the body. */
function infer(service: Service, request: HttpRequest): HttpReply | Promise<HttpReply> {
  const target = modelTarget(request);
  if (service.engine.isDecoupled(target.name, parseVersion(target))) {
    throw new TritonError(
      "UNSUPPORTED",
      "HTTP end point doesn't support models with decoupled transaction policy",
    );
  }
  let encoding: Encoding;
  try {
    encoding = contentEncoding(request.header("content-encoding"));
  } catch (reason) {
    const reply = errorReply(reason, "text/plain");
    return { ...reply, fields: [["Accept-Encoding", "gzip, deflate"], ...reply.fields] };
  }
  return withBody(request, (body) => {
    if (encoding === "identity") return inferWith(service, request, target, body);
    return decompress(body, service.maxInputSize).then((whole) => {
      return inferWith(service, request, target, whole);
    });
  });
}

function inferWith(
  service: Service,
  request: HttpRequest,
  target: ModelTarget,
  body: Uint8Array,
): HttpReply | Promise<HttpReply> {
  const { maxInputSize, regions, headerPattern } = service;
  const headerLength = parseHeaderLength(
    request.header("inference-header-content-length"),
    body.length,
  );
  try {
    const modelName = target.name;
    const modelVersion = parseVersion(target);
    const inference = parseInference(body, headerLength, {
      modelName,
      modelVersion,
      regions,
      maxInputSize,
      forwarded: () => forwardedHeaders(request.fields, headerPattern),
    });
    return replyOf(service, request, inference);
  } catch (reason) {
    return errorReply(reason, "application/json");
  }
}

/** Sends the request and answers with its one response. Errors of the submit are thrown at once. */
function replyOf(
  { engine }: Service,
  request: HttpRequest,
  { request: sent, plan }: Inference,
): Promise<HttpReply> {
  const { promise, resolve } = Promise.withResolvers<HttpReply>();
  let first: EngineResponse | undefined;
  let count = 0;
  const call = engine.infer(sent, (response) => {
    if (isBareEnd(response) || count++ > 0) response.release();
    else first = response;
    if (!response.final) return;
    try {
      if (first === undefined || count !== 1) {
        throw new TritonError("INTERNAL", `expected a single response, got ${count}`);
      }
      if (first.error !== undefined) throw first.error;
      if (failure !== undefined) throw failure;
      const answer = first;
      const body = encodeInference(answer, plan, isBatched);
      resolve(inferenceReply(body, request, () => answer.release()));
    } catch (reason) {
      first?.release();
      resolve(errorReply(reason, "text/plain"));
    }
  });
  request.onGone(() => call.cancel());
  // Asked now, because by the time of the response the model may be on its way out; and not before the
  // engine has the request, which would otherwise be dropped without its end when this throws.
  let isBatched = false;
  let failure: unknown;
  try {
    isBatched = plan.hasClassification &&
      engine.hasBatchDimension(sent.modelName, sent.modelVersion);
  } catch (reason) {
    failure = reason;
  }
  return promise;
}

/** The outputs are sent from where they lie; `release` gives them back when they have gone out. */
function inferenceReply(
  { parts, headerLength }: InferenceBody,
  request: HttpRequest,
  release: () => void,
): HttpReply | Promise<HttpReply> {
  const fields: readonly Field[] = headerLength === undefined ? JSON_FIELDS : [
    ["Content-Type", "application/octet-stream"],
    ["Inference-Header-Content-Length", String(headerLength)],
  ];
  const encoding = acceptedEncoding(request.header("accept-encoding"));
  if (encoding === "identity") return { status: 200, fields, body: parts, onSent: release };
  return compress(parts, encoding).finally(release).then((body) => {
    return { status: 200, fields: [...fields, ["Content-Encoding", encoding]], body };
  });
}
