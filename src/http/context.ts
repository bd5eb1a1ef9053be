/**
 * What the endpoints work with, and the checks that come before all of them.
 *
 * @module
 */
import type { Context, Handler } from "hono";
import type { Engine, EngineResponse, Int64 } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { Feature, RestrictedFeatures } from "../kserve/restricted.ts";
import type { SharedMemoryRegions } from "../kserve/shared_memory.ts";
import type { TraceSettings } from "../kserve/trace_settings.ts";
import type { InFlight } from "./in_flight.ts";
import { type ContentType, errorResponse, textResponse } from "./responses.ts";

/** What the endpoints of one front end share. */
export interface Service {
  readonly engine: Engine;
  /** Undefined: nothing is restricted. */
  readonly restricted: RestrictedFeatures | undefined;
  /** Which headers are forwarded to models; undefined for none. */
  readonly headerPattern: RegExp | undefined;
  /** In bytes. */
  readonly maxInputSize: number;
  readonly regions: SharedMemoryRegions;
  readonly traceSettings: TraceSettings;
  readonly inFlight: InFlight;
}

/** What an endpoint does with a request that passed the checks. What it throws becomes a response. */
export type Answer = (request: Request, path: string) => Response | Promise<Response>;

/** How an endpoint is guarded. */
export interface EndpointOptions {
  readonly feature: Feature;
  readonly methods: readonly string[];
  /** How errors are labelled. */
  readonly errors: ContentType;
}

/** The request's path as it came: not decoded, not normalised, without the query. */
export function rawPath(request: Request): string {
  const { url } = request;
  // Behind the scheme and the authority, which always has a path in a Request's URL.
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

/**
 * A handler that checks the restriction, then the method, then lets `answer` answer. That order is
 * Triton's: a restricted path answers 403 to any method.
 */
export function endpoint(service: Service, options: EndpointOptions, answer: Answer): Handler {
  return (context: Context) => {
    const request = context.req.raw;
    const restriction = service.restricted?.get(options.feature);
    if (restriction !== undefined && request.headers.get(restriction.key) !== restriction.value) {
      const message = `This API is restricted, expecting header '${restriction.key}'`;
      return textResponse(403, message, "text/plain");
    }
    if (!options.methods.includes(request.method)) {
      return textResponse(405, "Method Not Allowed", options.errors);
    }
    try {
      const response = answer(request, rawPath(request));
      if (response instanceof Response) return response;
      return response.catch((reason: unknown) => errorResponse(reason, options.errors));
    } catch (reason) {
      return errorResponse(reason, options.errors);
    }
  };
}

/** Whether a response says no more than that nothing more comes. */
export function isBareEnd({ hasContent, error }: EngineResponse): boolean {
  return !hasContent && error === undefined;
}

/** The whole body of a request. */
export async function readBody(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

/** A model as a path names it. */
export interface ModelTarget {
  readonly name: string;
  /** The version's digits; undefined when the path names none. */
  readonly versionText: string | undefined;
}

const MODELS = "/v2/models/";

/** The model of a path `/v2/models/<name>[/versions/<version>]...`, not decoded. */
export function modelTarget(path: string): ModelTarget {
  const start = path.indexOf(MODELS) + MODELS.length;
  const [name, versions, versionText] = path.slice(start).split("/", 3);
  return { name, versionText: versions === "versions" ? versionText : undefined };
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
