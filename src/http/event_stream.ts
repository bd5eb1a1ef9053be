/**
 * A reply of server-sent events that come one by one.
 *
 * @module
 */
import type { Field, HttpReply, HttpSink } from "../http1/message.ts";
import { errorBody } from "../kserve/error_body.ts";
import { serverSentEvent } from "../kserve/generate_response.ts";

const EVENT_STREAM: Field = ["Content-Type", "text/event-stream; charset=utf-8"];

/** With so many bytes waiting for the client, the model waits too. */
const MAX_UNSENT = 4 << 20;

/** Server-sent events as a reply. The first event, or the end, decides its status. */
export class EventStream {
  /** The reply; it begins with the first event. */
  readonly reply: Promise<HttpReply>;
  readonly #resolve: (reply: HttpReply) => void;
  readonly #fields: () => readonly Field[];
  #isStarted = false;
  #sink: HttpSink | undefined;
  /** Events from before the reply's head was written. */
  #early: Uint8Array[] = [];
  #hasEnded = false;
  /** Whether the client has gone, so that events need not be made any more. */
  isAbandoned = false;
  /** Lets the model wait while the client does not read; to be set when there is one. */
  hold: (held: boolean) => void = () => {};
  #isHeld = false;

  /** `fields` makes further header fields when the reply begins. */
  constructor(fields: () => readonly Field[]) {
    const { promise, resolve } = Promise.withResolvers<HttpReply>();
    this.reply = promise;
    this.#resolve = resolve;
    this.#fields = fields;
  }

  /** Sends an event of JSON. */
  send(json: Uint8Array): void {
    this.#event(200, json);
  }

  /** Sends an error as an event. A reply that begins with one has status 400, whatever the error. */
  fail(message: string): void {
    this.#event(400, errorBody(message));
  }

  /** Nothing more comes. */
  end(): void {
    this.#hasEnded = true;
    this.#start(200);
    this.#sink?.end();
  }

  #event(status: number, json: Uint8Array): void {
    const event = serverSentEvent(json);
    if (this.#sink === undefined) this.#early.push(event);
    else this.#write(this.#sink, event);
    this.#start(status);
  }

  #write(sink: HttpSink, event: Uint8Array): void {
    sink.write(event);
    if (this.#isHeld || sink.unsent < MAX_UNSENT) return;
    this.#isHeld = true;
    this.hold(true);
  }

  #start(status: number): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const body = (sink: HttpSink) => {
      this.#sink = sink;
      sink.onDrained(() => {
        if (!this.#isHeld) return;
        this.#isHeld = false;
        this.hold(false);
      });
      for (const event of this.#early) this.#write(sink, event);
      this.#early = [];
      if (this.#hasEnded) sink.end();
    };
    this.#resolve({ status, fields: [EVENT_STREAM, ...this.#fields()], body });
  }
}
