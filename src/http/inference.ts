/**
 * Inference: `/v2/models/<model>/infer`.
 *
 * @module
 */
import type { EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import {
  type Field,
  type HttpAnswer,
  type HttpReply,
  type HttpRequest,
  PendingReply,
} from "../http1/message.ts";
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
import { withMemory } from "../kserve/request_memory.ts";
import { Feature } from "../kserve/restricted.ts";
import {
  endpoint,
  type InferenceService,
  isBareEnd,
  type ModelTarget,
  modelTarget,
  parseVersion,
  settled,
  withBody,
} from "./context.ts";
import { errorReply, JSON_FIELDS } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

/** Adds `/v2/models/<model>/infer`. */
export function addInference(routes: Routes, service: InferenceService): void {
  const options = { feature: Feature.INFERENCE, methods: ["POST"], errors: "text/plain" } as const;
  routes.add(`${MODEL}/infer`, endpoint(service, options, (request) => infer(service, request)));
}

/** What is thrown from here is labelled text/plain, as Triton labels all but the errors of the body. */
function infer(service: InferenceService, request: HttpRequest): HttpAnswer {
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
  if (encoding === "identity") {
    // The engine copies what a small body may hold.
    const small = request.smallBody;
    if (small !== undefined) return inferWith(service, request, target, small);
    return withBody(request, (body) => inferWith(service, request, target, body));
  }
  return withBody(request, async (body) => {
    const whole = await decompress(body, service.maxInputSize);
    return await settled(inferWith(service, request, target, whole));
  });
}

function inferWith(
  service: InferenceService,
  request: HttpRequest,
  target: ModelTarget,
  body: Uint8Array,
): HttpAnswer {
  const { maxInputSize, regions, headerPattern } = service;
  const headerLength = parseHeaderLength(
    request.header("inference-header-content-length"),
    body.length,
  );
  try {
    const modelName = target.name;
    const modelVersion = parseVersion(target);
    const { request: parsed, plan } = parseInference(body, headerLength, {
      modelName,
      modelVersion,
      regions,
      maxInputSize,
      forwarded: () => forwardedHeaders(request.fields, headerPattern),
    });
    return replyOf(service, request, { request: withMemory(parsed, body), plan });
  } catch (reason) {
    return errorReply(reason, "application/json");
  }
}

/** Sends the request and answers with its one response. Errors of the submit are thrown at once. */
function replyOf(
  { engine }: InferenceService,
  request: HttpRequest,
  { request: sent, plan }: Inference,
): PendingReply {
  const pending = new PendingReply();
  let first: EngineResponse | undefined;
  let count = 0;
  const call = engine.infer(sent, (response) => {
    if (isBareEnd(response) || count++ > 0) response.release();
    else first = response;
    if (!response.final) return true;
    try {
      if (first === undefined || count !== 1) {
        throw new TritonError("INTERNAL", `expected a single response, got ${count}`);
      }
      if (first.error !== undefined) throw first.error;
      if (failure !== undefined) throw failure;
      const answer = first;
      const body = encodeInference(answer, plan, isBatched);
      const reply = inferenceReply(body, request, () => answer.release());
      if (!(reply instanceof Promise)) return pending.resolve(reply);
      reply.catch((reason) => errorReply(reason, "text/plain")).then((later) => {
        pending.resolve(later);
      });
    } catch (reason) {
      first?.release();
      return pending.resolve(errorReply(reason, "text/plain"));
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
  return pending;
}

/** The fields of binary replies by the length of their JSON, of which a model's replies have few. */
const binaryFieldsOf = new Map<number, readonly Field[]>();
const MAX_BINARY_FIELDS = 256;

function binaryFields(headerLength: number): readonly Field[] {
  let fields = binaryFieldsOf.get(headerLength);
  if (fields === undefined) {
    fields = [
      ["Content-Type", "application/octet-stream"],
      ["Inference-Header-Content-Length", String(headerLength)],
    ];
    if (binaryFieldsOf.size >= MAX_BINARY_FIELDS) binaryFieldsOf.clear();
    binaryFieldsOf.set(headerLength, fields);
  }
  return fields;
}

/** The outputs are sent from where they lie; `release` gives them back when they have gone out. */
function inferenceReply(
  { parts, headerLength }: InferenceBody,
  request: HttpRequest,
  release: () => void,
): HttpReply | Promise<HttpReply> {
  const fields = headerLength === undefined ? JSON_FIELDS : binaryFields(headerLength);
  const encoding = acceptedEncoding(request.header("accept-encoding"));
  if (encoding === "identity") return { status: 200, fields, body: parts, onSent: release };
  return compress(parts, encoding).finally(release).then((body) => {
    return { status: 200, fields: [...fields, ["Content-Encoding", encoding]], body };
  });
}
