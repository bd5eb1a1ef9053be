/**
 * Inference: `/v2/models/<model>/infer`.
 *
 * @module
 */
import type { Hono } from "hono";
import type { EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
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
  modelTarget,
  parseVersion,
  readBody,
  type Service,
} from "./context.ts";
import { MODEL } from "./paths.ts";
import { errorResponse } from "./responses.ts";

/** Adds `/v2/models/<model>/infer`. */
export function addInference(app: Hono, service: Service): void {
  const options = { feature: Feature.INFERENCE, methods: ["POST"], errors: "text/plain" } as const;
  app.all(
    `${MODEL}/infer`,
    endpoint(service, options, (request, path) => infer(service, request, path)),
  );
}

/** What is thrown from here is labelled text/plain, as Triton labels all but the errors of the body. */
async function infer(service: Service, request: Request, path: string): Promise<Response> {
  const { engine, maxInputSize } = service;
  const target = modelTarget(path);
  const modelName = target.name;
  const modelVersion = parseVersion(target);
  if (engine.isDecoupled(modelName, modelVersion)) {
    throw new TritonError(
      "UNSUPPORTED",
      "HTTP end point doesn't support models with decoupled transaction policy",
    );
  }
  const { headers } = request;
  let encoding: Encoding;
  try {
    encoding = contentEncoding(headers.get("content-encoding"));
  } catch (reason) {
    const response = errorResponse(reason, "text/plain");
    response.headers.set("accept-encoding", "gzip, deflate");
    return response;
  }
  let body = await readBody(request);
  if (encoding !== "identity") body = await decompress(body, maxInputSize);
  const headerLength = parseHeaderLength(
    headers.get("inference-header-content-length"),
    body.length,
  );

  let inference: Inference;
  let response: Promise<EngineResponse>;
  let isBatched: boolean;
  try {
    inference = parseInference(body, headerLength, {
      modelName,
      modelVersion,
      regions: service.regions,
      maxInputSize,
      forwarded: forwardedHeaders(headers, service.headerPattern),
    });
    response = onlyResponse(service, request, inference);
    // Asked now, because by the time of the response the model may be on its way out.
    isBatched = inference.plan.hasClassification &&
      engine.hasBatchDimension(modelName, modelVersion);
  } catch (reason) {
    return errorResponse(reason, "application/json");
  }
  const encoded = await response.then((answer) => {
    try {
      if (answer.error !== undefined) throw answer.error;
      return encodeInference(answer, inference.plan, isBatched);
    } finally {
      answer.release();
    }
  });
  return await inferenceResponse(encoded, acceptedEncoding(headers.get("accept-encoding")));
}

/**
 * Sends the request and waits for its one response, which the caller must release. Submit errors are
 * thrown at once; other numbers of responses reject.
 */
function onlyResponse(
  { engine, inFlight }: Service,
  request: Request,
  inference: Inference,
): Promise<EngineResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<EngineResponse>();
  let first: EngineResponse | undefined;
  let count = 0;
  const call = engine.infer(inference.request, (response) => {
    if (isBareEnd(response)) {
      response.release();
    } else if (count++ === 0) {
      first = response;
    } else {
      response.release();
    }
    if (!response.final) return;
    flight.end();
    if (first !== undefined && count === 1) {
      resolve(first);
    } else {
      first?.release();
      reject(new TritonError("INTERNAL", `expected a single response, got ${count}`));
    }
  });
  const flight = inFlight.begin(request, () => call.cancel());
  return promise;
}

const JSON_TYPE = "application/json";
const BINARY_TYPE = "application/octet-stream";

async function inferenceResponse(
  { bytes, headerLength }: InferenceBody,
  encoding: Encoding,
): Promise<Response> {
  const headers: Record<string, string> = { "content-type": JSON_TYPE };
  if (headerLength !== undefined) {
    headers["content-type"] = BINARY_TYPE;
    headers["inference-header-content-length"] = String(headerLength);
  }
  if (encoding === "identity") return new Response(bytes, { headers });
  headers["content-encoding"] = encoding;
  return new Response(await compress(bytes, encoding), { headers });
}
