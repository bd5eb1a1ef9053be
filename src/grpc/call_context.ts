/**
 * What a Connect service is told of its call. Connect's own context makes seven objects for each call,
 * which costs more than the call itself; here they are made when something asks for them.
 *
 * @module
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { parseTimeout, type ServerCall } from "./call.ts";

/** The context of one call; see `HandlerContext` of @connectrpc/connect. */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly protocolName = "grpc";
  readonly requestMethod = "POST";
  readonly #call: ServerCall;
  readonly #started = Date.now();
  #abort: AbortController | undefined;
  #cancelled = false;
  #requestHeader: Headers | undefined;
  #values: ContextValues | undefined;

  constructor(method: DescMethod, call: ServerCall) {
    this.method = method;
    this.#call = call;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get url(): string {
    return this.#call.path;
  }

  /** Aborted when the client is gone. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelled) this.#abort.abort();
    return this.#abort.signal;
  }

  /** The metadata of the request. */
  get requestHeader(): Headers {
    return this.#requestHeader ??= metadataHeaders(this.#call.headers);
  }

  /** Not sent: Triton never sends metadata. */
  get responseHeader(): Headers {
    return new Headers();
  }

  /** Not sent: Triton never sends metadata. */
  get responseTrailer(): Headers {
    return new Headers();
  }

  get values(): ContextValues {
    return this.#values ??= createContextValues();
  }

  readonly timeoutMs = (): number | undefined => {
    const timeout = parseTimeout(this.#call.header("grpc-timeout") ?? "");
    return timeout === undefined ? undefined : timeout - (Date.now() - this.#started);
  };

  /** Aborts the signal. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort();
  }
}

function metadataHeaders(fields: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) {
    if (!fields[i].startsWith(":")) headers.append(fields[i], fields[i + 1]);
  }
  return headers;
}
