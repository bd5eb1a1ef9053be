/**
 * Requests that a thread forwards to the main one, which answers them as if they had come to it.
 *
 * @module
 */
import type { Field, HttpHandler, HttpRequest } from "../http1/message.ts";
import type { ForwardingHandler } from "../web/routes.ts";
import { settled, withBody } from "./context.ts";
import { errorReply } from "./replies.ts";

const NO_BODY = new Uint8Array(0);

/** A request as it is forwarded. */
export interface ForwardedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly fields: readonly Field[];
  readonly body: Uint8Array;
}

/** The reply to it, whole. */
export interface ForwardedReply {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: readonly Uint8Array[];
  readonly isChunked: boolean | undefined;
}

/** Has `forward` answer requests; for the thread. */
export function forwardingHandler(
  forward: (request: ForwardedRequest) => Promise<ForwardedReply>,
): ForwardingHandler {
  return (request, { withoutBody } = { withoutBody: request.method === "GET" }) => {
    const { method, path, query, fields } = request;
    const ask = async (body: Uint8Array) => {
      try {
        // A copy, because a view would bring all of its memory along.
        return await forward({ method, path, query, fields, body: body.slice() });
      } catch (reason) {
        return errorReply(reason, "application/json");
      }
    };
    return withoutBody ? ask(NO_BODY) : withBody(request, ask);
  };
}

/** Answers forwarded requests with `handler`; for the main thread. */
export function forwardedAnswers(
  handler: HttpHandler,
): (request: ForwardedRequest) => Promise<ForwardedReply> {
  return async (forwarded) => {
    const { status, fields, body, isChunked, onSent } = await settled(
      handler(asRequest(forwarded)),
    );
    if (typeof body === "function") throw new Error("Cannot forward a reply that is streamed");
    const parts = (body instanceof Uint8Array ? [body] : body).map((part) => part.slice());
    onSent?.();
    return { status, fields, body: parts, isChunked };
  };
}

function asRequest({ body, ...head }: ForwardedRequest): HttpRequest {
  return {
    ...head,
    smallBody: undefined,
    header: (name) => head.fields.find(([each]) => each.toLowerCase() === name)?.[1],
    body: () => body,
    // The thread's business, which gives up by itself.
    onGone: () => {},
  };
}
