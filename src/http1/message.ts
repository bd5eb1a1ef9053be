/**
 * Requests and replies as the endpoints of a front end see them, whatever brought the request.
 *
 * @module
 */
import type { Settled } from "../settled.ts";

/** A header field: its name as it was spelled, and its value. */
export type Field = readonly [name: string, value: string];

/** A request whose head has come. */
export interface HttpRequest {
  /** The method as it was sent. */
  readonly method: string;
  /** The path as it was sent: not decoded, not normalised, without the query. */
  readonly path: string;
  /** The query of the target, not decoded, without the question mark; empty when there is none. */
  readonly query: string;
  /** The header fields in their order. */
  readonly fields: readonly Field[];
  /** The value of the first field of a name, which is given in lower case. */
  header(name: string): string | undefined;
  /**
   * The whole body, when it has come and is small: it lies in memory that is used for other things after
   * the handler has returned. Undefined otherwise. Who has read it must not ask for `body()` later.
   */
  readonly smallBody: Uint8Array | undefined;
  /** The whole body, which belongs to the caller. Never resolves when the client goes away before its end. */
  body(): Uint8Array | Promise<Uint8Array>;
  /** Calls `listener` when the client goes away, or the server is cut off, before the reply has gone out. */
  onGone(listener: () => void): void;
}

/** Takes the pieces of a streamed body. Its methods do nothing once the client has gone. */
export interface HttpSink {
  /** How many bytes the client has not taken yet. */
  readonly unsent: number;
  /** Sends a piece, which must not change any more. */
  write(bytes: Uint8Array): void;
  /** Calls `listener` whenever the client has taken everything after some of it had to wait. */
  onDrained(listener: () => void): void;
  /** The body is complete. */
  end(): void;
}

/** A body that comes in pieces: is called once, when the head of the reply has been written. */
export type HttpStream = (sink: HttpSink) => void;

/** The answer to a request. */
export interface HttpReply {
  readonly status: number;
  /** The header fields, but those that frame the message. */
  readonly fields: readonly Field[];
  /** The bytes of the body, those of its parts in turn, or what streams it. */
  readonly body: Uint8Array | readonly Uint8Array[] | HttpStream;
  /** Whether a body that is known is sent as a chunk instead of with its length. */
  readonly isChunked?: boolean;
  /** Called once when the body is not needed any more, because it has gone out or never will. */
  readonly onSent?: () => void;
}

/** A reply that comes later, without the cost of a promise. */
export class PendingReply {
  #reply: HttpReply | undefined;
  #listener: ((reply: HttpReply) => Settled) | undefined;

  /** Gives the reply; once. */
  resolve(reply: HttpReply): Settled {
    if (this.#listener !== undefined) return this.#listener(reply);
    this.#reply = reply;
  }

  /** Calls `listener` with the reply, now if it is there; once. */
  whenReady(listener: (reply: HttpReply) => Settled): void {
    if (this.#reply === undefined) this.#listener = listener;
    else listener(this.#reply);
  }
}

/** A reply, or what it will come by. */
export type HttpAnswer = HttpReply | Promise<HttpReply> | PendingReply;

/** Answers requests. Must not throw or reject. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer;
