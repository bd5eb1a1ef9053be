/**
 * One HTTP/2 connection of a client (RFC 9113), above its socket and below gRPC.
 *
 * @module
 */
import type { Connection, ConnectionReceiver } from "../../net/connection.ts";
import type { StreamHandler, TransportOptions } from "../transport.ts";
import { AbuseLimits } from "./abuse.ts";
import { FrameDispatcher } from "./dispatcher.ts";
import { FrameParser } from "./frame_parser.ts";
import { ConnectionError, DEFAULT_WINDOW, ErrorCode, Flag, FrameType, MAX_31 } from "./frames.ts";
import { Lifetime, type Mortal } from "./lifetime.ts";
import { StreamRegistry } from "./registry.ts";
import { Sender } from "./sender.ts";
import { CONNECTION_WINDOW, OWN_SETTINGS } from "./settings.ts";
import type { H2Stream, StreamOwner } from "./stream.ts";

/** Milliseconds that a client has to confirm that it knows of the coming end. */
const DRAIN_PING_MS = 1000;

/** Milliseconds after which a connection that was ended is cut, should its client not read. */
const LINGER_MS = 2000;

const KEEPALIVE_PING = new Uint8Array(8);
const DRAIN_PING = new TextEncoder().encode("draining");

/** See the module. */
export class H2Connection implements ConnectionReceiver, StreamOwner, Mortal {
  readonly sender: Sender;
  readonly #connection: Connection;
  readonly #onClosed: () => void;
  readonly #streams = new StreamRegistry();
  readonly #parser: FrameParser;
  readonly #lifetime: Lifetime;
  /** Streams whose response is complete while their client still sends. */
  #unfinished: H2Stream[] = [];
  /** The last stream that is served. */
  #lastAccepted = MAX_31;
  /** Whether a flush is due at the end of the running call, or of the running turn. */
  #isReceiving = false;
  #flushDue = false;
  #progressDue = false;
  #draining = false;
  #drained = false;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Speaks over `connection`; `onStream` is called for each request, `onClosed` once at the end. */
  constructor(
    connection: Connection,
    options: TransportOptions,
    onStream: StreamHandler,
    onClosed: () => void,
  ) {
    this.#connection = connection;
    this.#onClosed = onClosed;
    this.sender = new Sender(connection, () => this.#progressLater());
    this.#lifetime = new Lifetime(this, options);
    const dispatcher = new FrameDispatcher({
      owner: this,
      streams: this.#streams,
      limits: new AbuseLimits(),
      pinged: () => this.#lifetime.pinged(),
      pong: (payload) => this.#pong(payload),
      accepts: (id) => id <= this.#lastAccepted,
      drop: (stream) => this.#forget(stream, true),
    }, onStream);
    this.#parser = new FrameParser({
      begun: () => this.#greet(),
      frame: (header, bytes, start, end) => dispatcher.frame(header, bytes, start, end),
    });
  }

  get begun(): boolean {
    return this.#parser.begun;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get activity(): number {
    return this.sender.activity;
  }

  data(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#lifetime.received();
    this.#isReceiving = true;
    try {
      if (!this.#parser.push(bytes)) return this.destroy();
    } catch (reason) {
      if (reason instanceof ConnectionError) return this.#fail(reason);
      // A bug in what handles a stream: where the next frame begins is not known any more.
      this.#fail(new ConnectionError(ErrorCode.INTERNAL_ERROR, ""));
      throw reason;
    } finally {
      this.#isReceiving = false;
    }
    this.#flush();
  }

  ended(): void {
    // gRPC has no use for a client that hears but does not speak.
    this.#abortAll();
    this.#end();
  }

  drained(): void {
    this.sender.progress();
    this.#flush();
  }

  closed(): void {
    this.#ended = true;
    this.#parser.stop();
    this.#lifetime.stop();
    clearTimeout(this.#timer);
    this.#abortAll();
    this.sender.close();
    this.#onClosed();
  }

  /** Asks the client to open no more streams, and ends the connection when there are none. */
  drain(): void {
    if (this.#draining || this.#ended) return;
    this.#draining = true;
    if (!this.begun) return this.destroy();
    // A client that opens a stream at this moment must not lose it: it is told the last one only when
    // it has seen this.
    this.sender.goAway(MAX_31, ErrorCode.NO_ERROR, "");
    this.sender.control(FrameType.PING, Flag.NONE, 0, DRAIN_PING);
    this.#timer = setTimeout(() => this.#finishDrain(), DRAIN_PING_MS);
    this.#flush();
  }

  destroy(): void {
    this.#ended = true;
    this.#parser.stop();
    this.#connection.destroy();
  }

  ping(): void {
    this.sender.control(FrameType.PING, Flag.NONE, 0, KEEPALIVE_PING);
    this.#flush();
  }

  written(): void {
    if (this.#isReceiving || this.#flushDue) return;
    // Responses come many at a time: one flush serves all.
    this.#flushDue = true;
    queueMicrotask(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  answered(stream: H2Stream): void {
    if (stream.requestEnded) this.#forget(stream);
    else this.#unfinished.push(stream);
  }

  reset(stream: H2Stream, code: number): void {
    this.sender.reset(stream.id, code);
    this.#streams.rememberReset(stream.id);
    this.#forget(stream);
    this.written();
  }

  #greet(): void {
    this.sender.control(FrameType.SETTINGS, Flag.NONE, 0, OWN_SETTINGS);
    this.sender.giveBack(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  #forget(stream: H2Stream, abort = false): void {
    this.#streams.remove(stream.id);
    this.sender.forget(stream);
    if (abort) stream.abort();
    else stream.close();
    if (this.#drained && this.#streams.size === 0) this.written();
  }

  #progressLater(): void {
    if (this.#progressDue) return;
    this.#progressDue = true;
    queueMicrotask(() => {
      this.#progressDue = false;
      if (!this.#ended) this.drained();
    });
  }

  #pong(payload: Uint8Array): void {
    this.#lifetime.ponged();
    if (this.#draining && !this.#drained && isEqual(payload, DRAIN_PING)) this.#finishDrain();
  }

  #finishDrain(): void {
    clearTimeout(this.#timer);
    this.#drained = true;
    this.#lastAccepted = this.#streams.last;
    this.sender.goAway(this.#lastAccepted, ErrorCode.NO_ERROR, "");
    this.written();
  }

  /** A fault of the client: it is told, and the connection ends. */
  #fail({ code, message }: ConnectionError): void {
    this.sender.goAway(this.#streams.last, code, message);
    this.#abortAll();
    this.#end();
  }

  #abortAll(): void {
    for (const stream of this.#streams.all()) this.#forget(stream, true);
  }

  #flush(): void {
    if (this.#ended) return;
    if (this.#unfinished.length > 0) this.#cutUnfinished();
    if (this.#drained && this.#streams.size === 0) return this.#end();
    this.sender.flush();
    if (this.sender.isStuck) this.destroy();
  }

  /** Tells clients that still send to a stream with a complete response to stop. */
  #cutUnfinished(): void {
    const streams = this.#unfinished;
    this.#unfinished = [];
    for (const stream of streams) {
      if (!stream.closed) this.reset(stream, ErrorCode.NO_ERROR);
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#parser.stop();
    this.sender.flush();
    this.#connection.end();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connection.destroy(), LINGER_MS);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
