/**
 * Calls of one message each that a thread forwards to the main one, which answers them as if they had come
 * to it.
 *
 * @module
 */
import { ServerCall } from "./call.ts";
import type { Handlers } from "./handlers.ts";
import { type CallHandler, takeOne } from "./rpc.ts";
import { type RpcStatus, StatusCode, statusOf, statusOfFields } from "./status.ts";
import type { Fields, GrpcStream } from "./transport.ts";

/** A call as it is forwarded. */
export interface ForwardedCall {
  readonly path: string;
  readonly headers: readonly string[];
  readonly message: Uint8Array;
}

/** What became of it. */
export interface ForwardedOutcome {
  /** Messages behind free space for their prefixes. */
  readonly frames: readonly Uint8Array[];
  /** Absent for success. */
  readonly status: RpcStatus | undefined;
}

/** Asks the main thread. */
export type Forwarder = (call: ForwardedCall) => Promise<ForwardedOutcome>;

/** Has `forward` answer calls; for the thread. */
export function forwardingHandler(forward: Forwarder): CallHandler {
  return (call) => {
    const { path, headers } = call;
    const ask = async (bytes: Uint8Array) => {
      try {
        // A copy, because a view would bring all of its memory along.
        const { frames, status } = await forward({ path, headers, message: bytes.slice() });
        for (const frame of frames) call.send(frame);
        call.finish(status);
      } catch (reason) {
        call.finish(statusOf(reason));
      }
    };
    call.listener = { ...takeOne(call, (bytes) => void ask(bytes)), cancelled: () => {} };
  };
}

/** Answers forwarded calls with `handlers`; for the main thread. The thread has checked who calls. */
export function forwardedAnswers(handlers: Handlers): Forwarder {
  return ({ path, headers, message }) =>
    new Promise((resolve) => {
      const call = new ServerCall(new Recorder(path, headers, resolve), undefined, () => {});
      try {
        (handlers.get(path) as CallHandler)(call);
        call.listener?.message(message);
      } catch (reason) {
        call.finish(statusOf(reason));
      }
    });
}

/** A stream to nobody, which keeps what a call sends. */
class Recorder implements GrpcStream {
  readonly method = "POST";
  readonly path: string;
  readonly headers: readonly string[];
  readonly #frames: Uint8Array[] = [];
  readonly #onEnd: (outcome: ForwardedOutcome) => void;

  constructor(
    path: string,
    headers: readonly string[],
    onEnd: (outcome: ForwardedOutcome) => void,
  ) {
    this.path = path;
    this.headers = headers;
    this.#onEnd = onEnd;
  }

  respond(fields: Fields, end: boolean): void {
    if (end) this.trailers(fields);
  }

  write(chunk: Uint8Array): boolean {
    this.#frames.push(chunk.slice());
    return true;
  }

  trailers(fields: Fields): void {
    this.#onEnd({ frames: this.#frames, status: statusOfFields(fields) });
  }

  reset(): void {
    this.#onEnd({ frames: [], status: { code: StatusCode.INTERNAL, message: "" } });
  }

  pause(): void {}
}
