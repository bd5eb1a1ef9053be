/**
 * The responses that the endpoints share.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import { errorBody } from "../kserve/error_body.ts";

/** What Triton labels a body: JSON, or plain text where a handler of its set no type. */
export type ContentType = "application/json" | "text/plain";

/** Bytes that a Response takes as they are. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** 200 with a JSON body. */
export function jsonResponse(body: Uint8Array): Response {
  return new Response(body as Bytes, { headers: { "content-type": "application/json" } });
}

/** A response without a body. */
export function emptyResponse(contentType: ContentType, status = 200): Response {
  return new Response(null, { status, headers: { "content-type": contentType } });
}

/** The response to a failure: the status of its code and its text. */
export function errorResponse(reason: unknown, contentType: ContentType): Response {
  const error = TritonError.from(reason);
  return textResponse(error.httpStatus, error.message, contentType);
}

/** A failure that has a status of its own instead of an error code. */
export function textResponse(status: number, message: string, contentType: ContentType): Response {
  return new Response(errorBody(message), { status, headers: { "content-type": contentType } });
}

/** 404 as Triton answers paths that it does not know. */
export function notFoundResponse(): Response {
  return textResponse(404, "Not Found", "text/plain");
}
