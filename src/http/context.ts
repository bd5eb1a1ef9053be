/**
 * What the endpoints work with, and the checks that come before all of them.
 *
 * @module
 */
import type { EngineResponse, Int64 } from "../engine.ts";
import { TritonError } from "../errors.ts";
import {
  type HttpAnswer,
  type HttpHandler,
  type HttpReply,
  type HttpRequest,
  PendingReply,
} from "../http1/message.ts";
import type { Feature } from "../kserve/restricted.ts";
import type { InferenceOptions, RpcOptions } from "../web/routes.ts";
import { type ContentType, errorReply, textReply } from "./replies.ts";

/** What the endpoints of one front end share. */
export type Service = RpcOptions;

/** What those of inferences, health and metadata do with, on every thread. */
export type InferenceService = InferenceOptions;

/** How an endpoint is guarded. */
export interface EndpointOptions {
  readonly feature: Feature;
  readonly methods: readonly string[];
  /** How errors are labelled. */
  readonly errors: ContentType;
}

/**
 * A handler that checks the restriction, then the method, then lets `answer` answer. That order is
 * Triton's: a restricted path answers 403 to any method. What `answer` throws becomes a reply.
 */
export function endpoint(
  service: InferenceService,
  options: EndpointOptions,
  answer: HttpHandler,
): HttpHandler {
  const restriction = service.restricted.get(options.feature);
  return (request) => {
    if (restriction !== undefined && !hasField(request, restriction.key, restriction.value)) {
      const message = `This API is restricted, expecting header '${restriction.key}'`;
      return textReply(403, message, "text/plain");
    }
    if (!options.methods.includes(request.method)) {
      return textReply(405, "Method Not Allowed", options.errors);
    }
    try {
      const reply = answer(request);
      if (!(reply instanceof Promise)) return reply;
      return reply.catch((reason: unknown) => errorReply(reason, options.errors));
    } catch (reason) {
      return errorReply(reason, options.errors);
    }
  };
}

/** Makes the endpoints of what only the main thread has, or may change. */
export interface Control {
  /** An endpoint as {@link endpoint} makes it; `answer` gets the service of the main thread. */
  endpoint(
    options: EndpointOptions,
    answer: (service: Service, request: HttpRequest) => HttpAnswer,
  ): HttpHandler;
}

/** For the main thread. */
export function mainControl(service: Service): Control {
  return {
    endpoint: (options, answer) =>
      endpoint(service, options, (request) => answer(service, request)),
  };
}

/** For another thread, which checks what it can and has `forward` answer. */
export function forwardedControl(service: InferenceService, forward: HttpHandler): Control {
  return { endpoint: (options) => endpoint(service, options, forward) };
}

function hasField(request: HttpRequest, name: string, value: string): boolean {
  return request.header(name.toLowerCase()) === value;
}

/** Answers with the whole body; at once when it is there. */
export function withBody(
  request: HttpRequest,
  answer: (body: Uint8Array) => HttpAnswer,
): HttpAnswer {
  const body = request.body();
  return body instanceof Promise ? body.then((whole) => settled(answer(whole))) : answer(body);
}

/** The reply itself, or a promise of it. */
export function settled(answer: HttpAnswer): HttpReply | Promise<HttpReply> {
  if (!(answer instanceof PendingReply)) return answer;
  return new Promise((resolve) => answer.whenReady(resolve));
}

/** Whether a response says no more than that nothing more comes. */
export function isBareEnd({ hasContent, error }: EngineResponse): boolean {
  return !hasContent && error === undefined;
}

/** A model as a path names it. */
export interface ModelTarget {
  readonly name: string;
  /** The version's digits; undefined when the path names none. */
  readonly versionText: string | undefined;
}

const MODELS = "/v2/models/";

/** The models of paths that were asked for. */
const targets = new Map<string, ModelTarget>();
const MAX_TARGETS = 256;

/** The model of a path `/v2/models/<name>[/versions/<version>]...`, not decoded. */
export function modelTarget({ path }: HttpRequest): ModelTarget {
  let target = targets.get(path);
  if (target === undefined) {
    const start = path.indexOf(MODELS) + MODELS.length;
    const [name, versions, versionText] = path.slice(start).split("/", 3);
    target = { name, versionText: versions === "versions" ? versionText : undefined };
    if (targets.size >= MAX_TARGETS) targets.clear();
    targets.set(path, target);
  }
  return target;
}

const MAX_VERSION = 2n ** 63n - 1n;

/**
 * The version that a path names, -1 when it names none.
 *
 * @throws {TritonError} INVALID_ARG when it does not fit a signed 64-bit integer.
 */
export function parseVersion({ versionText }: ModelTarget): Int64 {
  if (versionText === undefined) return -1;
  if (versionText.length <= 15) return Number(versionText);
  const version = BigInt(versionText);
  if (version <= MAX_VERSION) return version;
  throw new TritonError(
    "INVALID_ARG",
    `failed to get model version from specified version string '${versionText}' (details: stol), ` +
      "version should be an integral value > 0",
  );
}
