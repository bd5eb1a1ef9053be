/**
 * Messages between two threads: calls, which are answered, and notices, which are not.
 *
 * @module
 */
import { TritonError, type TritonErrorCode } from "../errors.ts";

/** One side of what two threads write to each other through: a `Worker`, or the global of one. */
export interface MessagePort {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: unknown }) => void) | null;
}

/** What is done with the messages of a name. What it returns, or resolves to, is the answer to a call. */
export type MessageHandlers = Readonly<Record<string, (payload: never) => unknown>>;

type Message =
  | { readonly kind: "notice"; readonly name: string; readonly payload: unknown }
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly payload: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly code: string; readonly text: string };

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: TritonError): void;
}

/** See the module. Payloads and answers are copied, as `structuredClone` does. */
export class Channel {
  readonly #port: MessagePort;
  readonly #handlers: MessageHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #failure: TritonError | undefined;

  /** `handlers` do what the other side asks for. */
  constructor(port: MessagePort, handlers: MessageHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.onmessage = ({ data }) => this.#receive(data as Message);
  }

  /** Has the other side do something; rejects with its TritonError. */
  call<Answer>(name: string, payload: unknown): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      // First, because it throws when the payload cannot be copied.
      this.#send({ kind: "call", id, name, payload });
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Tells the other side something. */
  notify(name: string, payload: unknown): void {
    this.#send({ kind: "notice", name, payload });
  }

  /** The other side is gone: calls under way and later ones are rejected, and nothing is sent any more. */
  fail(failure: TritonError): void {
    this.#failure = failure;
    for (const { reject } of this.#waiting.values()) reject(failure);
    this.#waiting.clear();
  }

  #send(message: Message): void {
    if (this.#failure === undefined) this.#port.postMessage(message);
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case "notice":
        this.#handlers[message.name](message.payload as never);
        break;
      case "call":
        this.#answer(message.id, message.name, message.payload);
        break;
      case "answer":
        this.#take(message.id)?.resolve(message.value);
        break;
      case "failure":
        this.#take(message.id)?.reject(
          new TritonError(message.code as TritonErrorCode, message.text),
        );
    }
  }

  async #answer(id: number, name: string, payload: unknown): Promise<void> {
    try {
      const value = await this.#handlers[name](payload as never);
      this.#send({ kind: "answer", id, value });
    } catch (reason) {
      const { code, message } = TritonError.from(reason);
      this.#send({ kind: "failure", id, code, text: message });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
