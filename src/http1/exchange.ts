/**
 * One request on a connection, and the state of its reply.
 *
 * @module
 */
import type { Settled } from "../settled.ts";
import type { Head } from "./head.ts";
import {
  type Field,
  type HttpHandler,
  type HttpReply,
  type HttpRequest,
  PendingReply,
} from "./message.ts";

/** Sends the reply to a request. */
export type Replier = (exchange: Exchange, reply: HttpReply) => Settled;

/** A request that is being received or answered. */
export class Exchange implements HttpRequest {
  /** What its head says. */
  readonly head: Head;
  /** Whether the connection cannot go on behind the reply. */
  mustClose = false;
  /** Whether a reply was given. */
  isReplied = false;
  /** Whether the handler was asked. */
  isAsked = false;
  /** Whether the reply waits in a promise. */
  isPromised = false;
  #body: Uint8Array | undefined;
  /** The whole body, only while the handler is asked. */
  #smallBody: Uint8Array | undefined;
  /** Whether the handler has read it, and will not ask for the body. */
  #isSmallRead = false;
  #whenBody: ((body: Uint8Array) => void) | undefined;
  #goneListeners: (() => void)[] | undefined;
  #isGone = false;

  constructor(head: Head) {
    this.head = head;
  }

  get method(): string {
    return this.head.method;
  }

  get path(): string {
    return this.head.path;
  }

  get query(): string {
    return this.head.query;
  }

  get fields(): readonly Field[] {
    return this.head.fields;
  }

  header(name: string): string | undefined {
    return this.head.byName.get(name);
  }

  get smallBody(): Uint8Array | undefined {
    this.#isSmallRead = true;
    return this.#smallBody;
  }

  body(): Uint8Array | Promise<Uint8Array> {
    if (this.#smallBody !== undefined) this.#body ??= this.#smallBody.slice();
    return this.#body ?? new Promise((resolve) => this.#whenBody = resolve);
  }

  onGone(listener: () => void): void {
    if (this.#isGone) listener();
    else (this.#goneListeners ??= []).push(listener);
  }

  /** Has the request answered. */
  ask(handler: HttpHandler, reply: Replier): void {
    this.isAsked = true;
    const answer = handler(this);
    if (answer instanceof PendingReply) {
      answer.whenReady((later) => reply(this, later));
    } else if (answer instanceof Promise) {
      this.isPromised = true;
      answer.then((later) => reply(this, later));
    } else {
      reply(this, answer);
    }
  }

  /** Has the request answered, whose whole body `small` is only valid during the call. */
  askWith(
    small: Uint8Array,
    handler: HttpHandler,
    reply: Replier,
  ): void {
    this.#smallBody = small;
    this.ask(handler, reply);
    // Those who have not read it may still ask for it.
    if (!this.#isSmallRead && !this.isReplied) this.#body ??= small.slice();
    this.#smallBody = undefined;
  }

  /** The body is complete. */
  bodyCame(body: Uint8Array): void {
    this.#body = body;
    this.#whenBody?.(body);
  }

  /** The client has gone, or is as good as gone. */
  gone(): void {
    this.#isGone = true;
    const listeners = this.#goneListeners;
    this.#goneListeners = undefined;
    listeners?.forEach((listener) => listener());
  }

  /** The reply is complete: who waited for the client to go need not any more. */
  settled(): void {
    this.#goneListeners = undefined;
  }
}
