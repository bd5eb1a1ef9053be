/**
 * Lets a handler of this server answer the Request and Response of the fetch API, for apps that mount it.
 *
 * @module
 */
import {
  type Field,
  type HttpHandler,
  type HttpReply,
  type HttpRequest,
  type HttpStream,
  PendingReply,
} from "./message.ts";

/** Bytes that a Response takes as they are. */
type Bytes = Uint8Array<ArrayBuffer>;

/** A function of the fetch API that has `handler` answer. */
export function fetchHandler(
  handler: HttpHandler,
): (request: Request) => Response | Promise<Response> {
  return (request) => {
    const asked = new FetchRequest(request);
    const answer = handler(asked);
    if (answer instanceof PendingReply) {
      return new Promise((resolve) => {
        answer.whenReady((later) => resolve(toResponse(later, asked)));
      });
    }
    return answer instanceof Promise
      ? answer.then((later) => toResponse(later, asked))
      : toResponse(answer, asked);
  };
}

/** The path of a Request: as it is in its URL, without the query. */
export function rawPath({ url }: Request): string {
  // Behind the scheme and the authority, which always has a path in a Request's URL.
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

class FetchRequest implements HttpRequest {
  readonly smallBody = undefined;
  readonly path: string;
  readonly #request: Request;
  #goneListeners: (() => void)[] = [];

  constructor(request: Request) {
    this.#request = request;
    this.path = rawPath(request);
  }

  get method(): string {
    return this.#request.method;
  }

  get query(): string {
    return new URL(this.#request.url).search.slice(1);
  }

  get fields(): readonly Field[] {
    return [...this.#request.headers];
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  async body(): Promise<Uint8Array> {
    return new Uint8Array(await this.#request.arrayBuffer());
  }

  onGone(listener: () => void): void {
    const { signal } = this.#request;
    if (signal.aborted) return listener();
    signal.addEventListener("abort", listener, { once: true });
    this.#goneListeners.push(listener);
  }

  /** The body of the reply is not wanted any more. */
  gone(): void {
    for (const listener of this.#goneListeners.splice(0)) listener();
  }
}

function toResponse({ status, fields, body, onSent }: HttpReply, request: FetchRequest): Response {
  const headers = fields as [string, string][];
  if (typeof body === "function") {
    return new Response(readable(body, () => request.gone()), { status, headers });
  }
  const parts = (body instanceof Uint8Array ? [body] : body) as readonly Bytes[];
  // The parts may be memory that onSent gives back, so a Response gets a copy of them.
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  onSent?.();
  return new Response(whole.length === 0 ? null : whole, { status, headers });
}

/** What a reply streams, as a ReadableStream; `onCancel` is told when its reader leaves it. */
function readable(stream: HttpStream, onCancel: () => void): ReadableStream<Bytes> {
  let unsent = 0;
  let isOver = false;
  let onDrained: (() => void) | undefined;
  return new ReadableStream<Bytes>({
    start(controller) {
      stream({
        get unsent() {
          return unsent;
        },
        write(bytes) {
          if (isOver || bytes.length === 0) return;
          controller.enqueue(bytes as Bytes);
          unsent += bytes.length;
        },
        onDrained(listener) {
          onDrained = listener;
        },
        end() {
          if (!isOver) controller.close();
          isOver = true;
        },
      });
    },
    pull() {
      // Asked for more: what was there has been taken.
      unsent = 0;
      onDrained?.();
    },
    cancel() {
      isOver = true;
      onCancel();
    },
  });
}
