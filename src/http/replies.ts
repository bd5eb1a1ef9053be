/**
 * The replies that the endpoints share.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { Field, HttpReply } from "../http1/message.ts";
import { errorBody } from "../kserve/error_body.ts";

/** What Triton labels a body: JSON, or plain text where a handler of its set no type. */
export type ContentType = "application/json" | "text/plain";

/** The header fields of JSON. */
export const JSON_FIELDS: readonly Field[] = [["Content-Type", "application/json"]];
const TEXT_FIELDS: readonly Field[] = [["Content-Type", "text/plain"]];
const EMPTY = new Uint8Array(0);

function labelled(contentType: ContentType): readonly Field[] {
  return contentType === "text/plain" ? TEXT_FIELDS : JSON_FIELDS;
}

/** 200 with a JSON body. */
export function jsonReply(body: Uint8Array): HttpReply {
  return { status: 200, fields: JSON_FIELDS, body };
}

/** A reply without a body. */
export function emptyReply(contentType: ContentType, status = 200): HttpReply {
  return { status, fields: labelled(contentType), body: EMPTY };
}

/** The reply to a failure: the status of its code and its text. */
export function errorReply(reason: unknown, contentType: ContentType): HttpReply {
  const error = TritonError.from(reason);
  return textReply(error.httpStatus, error.message, contentType);
}

/** A failure that has a status of its own instead of an error code. */
export function textReply(status: number, message: string, contentType: ContentType): HttpReply {
  return { status, fields: labelled(contentType), body: errorBody(message) };
}

/** 404 as Triton answers paths that it does not know. */
export function notFoundReply(): HttpReply {
  return textReply(404, "Not Found", "text/plain");
}
