/**
 * Between the requests and replies of an HTTP front end and those of Connect's handlers.
 *
 * @module
 */
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  createContextValues,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Field, HttpReply, HttpRequest, HttpSink } from "../http1/message.ts";
import { binaryType, decodeText, encodeText, isTextType, textType } from "./text_format.ts";

/** With so many bytes waiting for the client, the stream waits too. */
const MAX_UNSENT = 4 << 20;

/** What frames a message is the server's business. */
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "connection"]);

const REQUEST = createContextKey<HttpRequest | undefined>(undefined, { description: "request" });

/** The request of a call, by the values of its context. */
export function requestOf(values: ContextValues): HttpRequest {
  return values.get(REQUEST) as HttpRequest;
}

/** Has `handler` answer `request`. */
export async function answer(handler: UniversalHandler, request: HttpRequest): Promise<HttpReply> {
  const abort = new AbortController();
  request.onGone(() => abort.abort(new ConnectError("The client has gone", Code.Canceled)));
  const contentType = request.header("content-type") ?? "";
  const isText = isTextType(contentType);
  const header = headersOf(request);
  if (isText) header.set("content-type", binaryType(contentType));
  const response = await handler({
    // Connect refuses streams both ways over HTTP/1.x. Here they work one way after the other: the
    // responses begin when the requests have all come.
    httpVersion: "2",
    method: request.method,
    url: `http://localhost${request.path}?${request.query}`,
    header,
    body: bodyOf(request, isText),
    signal: abort.signal,
    contextValues: createContextValues().set(REQUEST, request),
  });
  if (isText) asText(response);
  return await reply(response, handler.method.methodKind === "unary", abort.signal);
}

async function* bodyOf(request: HttpRequest, isText: boolean): AsyncGenerator<Uint8Array> {
  const body = await request.body();
  yield isText ? decodeText(body) : body;
}

/** Values with other than Latin letters, which `Headers` refuses, are left to the raw request. */
function headersOf({ fields }: HttpRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) {
    // deno-lint-ignore no-control-regex
    if (/^[\x00-\xff]*$/.test(value)) headers.append(name, value);
  }
  return headers;
}

function asText(response: UniversalServerResponse): void {
  const { header, body } = response;
  const contentType = header?.get("content-type");
  if (contentType) header?.set("content-type", textType(contentType));
  if (body !== undefined) response.body = encoded(body);
}

async function* encoded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) yield encodeText(bytes);
}

async function reply(
  { status, header = new Headers(), body = empty() }: UniversalServerResponse,
  isUnary: boolean,
  gone: AbortSignal,
): Promise<HttpReply> {
  const fields = [...header].filter(([name]) => !FRAMING.has(name)) as Field[];
  if (isUnary || status !== 200) return { status, fields, body: await Array.fromAsync(body) };
  return { status, fields, body: (sink) => void pump(body, sink, gone) };
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** Sends a stream as fast as the client takes it. */
async function pump(
  body: AsyncIterable<Uint8Array>,
  sink: HttpSink,
  gone: AbortSignal,
): Promise<void> {
  let go = () => {};
  sink.onDrained(() => go());
  gone.addEventListener("abort", () => go());
  try {
    for await (const bytes of body) {
      if (gone.aborted) break;
      sink.write(bytes);
      if (sink.unsent > MAX_UNSENT) await new Promise<void>((resolve) => go = resolve);
    }
  } finally {
    sink.end();
  }
}
