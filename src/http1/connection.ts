/**
 * One HTTP/1.x connection, from the server's side: reads requests, one after the other, and sends their
 * replies in the same order.
 *
 * @module
 */
import { startsWith } from "../bytes.ts";
import type { Connection, ConnectionReceiver } from "../net/connection.ts";
import type { Settled } from "../settled.ts";
import { type BodyReader, ChunkedBody, SizedBody, TooManyChunks } from "./body.ts";
import { Exchange } from "./exchange.ts";
import { type Head, HeadScanner, MalformedRequest, parseHead } from "./head.ts";
import type { HttpHandler, HttpReply } from "./message.ts";
import { StreamedBody, writeReply } from "./reply_writer.ts";

/** Bytes that a client may send ahead, of requests behind the one that is being answered. */
const MAX_AHEAD = 64 << 10;
/** With more of its replies waiting, a client's next request waits too. */
const MAX_UNREAD = 1 << 20;
/** What is left of a body that nobody wants is read up to this size, so that the connection can go on. */
const MAX_UNWANTED = 1 << 20;
/**
 * A body up to this size that has come with its head is not copied before the handler sees it. One that comes
 * later is waited for: a client that sends it apart from its head is about to.
 */
const SMALL_BODY = 4 << 10;
/** A body with so much missing is read straight into its memory. */
const LEAST_DIRECT = 32 << 10;

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const EMPTY = new Uint8Array(0);

const TOO_MANY_CHUNKS: HttpReply = {
  status: 400,
  fields: [["Content-Type", "application/json"]],
  body: new TextEncoder().encode(
    '{"error":"Chunked request body exceeds maximum of 65536 non-empty chunks. ' +
      'Send fewer or larger HTTP chunks."}',
  ),
};

/** What the connection tells the server that it belongs to. */
export interface Http1Owner {
  readonly handler: HttpHandler;
  /** Whether the server is stopping: replies then close their connections. */
  readonly isStopping: boolean;
  /** The connection is gone. */
  closed(connection: Http1Connection): void;
}

/** A connection of an HTTP/1.x server. */
export class Http1Connection implements ConnectionReceiver {
  readonly #connection: Connection;
  readonly #owner: Http1Owner;
  readonly #scanner = new HeadScanner();
  /** What came and was not read yet: part of a head, or what follows the request being answered. */
  #ahead: Uint8Array = EMPTY;
  /** How much of {@link #ahead} is filled. */
  #aheadLength = 0;
  #head: Head | undefined;
  /** The bytes of {@link #head}: a client's next head is often the same. */
  #headBytes: Uint8Array = EMPTY;
  #body: BodyReader | undefined;
  #exchange: Exchange | undefined;
  #stream: StreamedBody | undefined;
  /** The body is being read straight into its memory. */
  #isDirect = false;
  #isReading = false;
  #isPaused = false;
  #isClosing = false;

  constructor(connection: Connection, owner: Http1Owner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  data(bytes: Uint8Array): Settled {
    if (this.#isClosing) return;
    if (this.#aheadLength === 0) this.#read(bytes);
    else this.#readBehind(bytes);
    return this.#settled;
  }

  /** Whether nothing that has come waits in a promise. */
  get #settled(): Settled {
    if (!this.#isClosing && !this.#exchange?.isPromised) return true;
  }

  /** Reads what was kept, and `bytes` behind it. */
  #readBehind(bytes: Uint8Array): void {
    const length = this.#aheadLength + bytes.length;
    if (length > this.#ahead.length) {
      const grown = new Uint8Array(2 * length);
      grown.set(this.#ahead.subarray(0, this.#aheadLength));
      this.#ahead = grown;
    }
    this.#ahead.set(bytes, this.#aheadLength);
    this.#aheadLength = length;
    // While a request is being answered there is nothing to be read.
    if (this.#exchange === undefined || this.#body !== undefined) this.#readAhead();
    else this.#limitAhead();
  }

  ended(): void {
    const exchange = this.#exchange;
    // A client that says it has no more to send may also have died, which looks the same: its request
    // is cancelled.
    if (exchange === undefined) return this.#close();
    this.#connection.destroy();
    this.#leave(exchange);
  }

  drained(): void {
    this.#stream?.drained();
    if (this.#exchange === undefined && !this.#isReading) this.#goOn();
  }

  closed(): void {
    this.#isClosing = true;
    if (this.#exchange !== undefined) this.#leave(this.#exchange);
    this.#owner.closed(this);
  }

  /** Closes the connection, unless a request is being received or answered on it. */
  closeIfIdle(): void {
    if (this.#exchange === undefined) this.#close();
  }

  /** Cuts off the request that is being answered, with `reply` if it has none yet. */
  cut(reply: HttpReply): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#close();
    const isReplied = exchange.isReplied;
    this.#leave(exchange);
    if (isReplied) this.#connection.destroy();
    else this.#reply(exchange, reply);
  }

  /** Closes the connection now. */
  destroy(): void {
    this.#connection.destroy();
  }

  #leave(exchange: Exchange): void {
    this.#stream?.gone();
    exchange.gone();
  }

  /** Closes the connection behind what was written. */
  #close(): void {
    this.#isClosing = true;
    this.#connection.end();
  }

  /** Reads requests from `bytes`, and keeps what cannot be read yet. */
  #read(bytes: Uint8Array): void {
    this.#isReading = true;
    let at = 0;
    try {
      while (at < bytes.length && !this.#isClosing) {
        if (this.#body !== undefined) {
          at = this.#takeBody(this.#body, bytes, at);
        } else if (this.#exchange !== undefined || this.#connection.unsent > MAX_UNREAD) {
          break;
        } else {
          const end = this.#takeHead(at === 0 ? bytes : bytes.subarray(at));
          if (end < 0) break;
          at += end;
        }
      }
      if (this.#body !== undefined) this.#awaitBody(this.#body);
    } catch (reason) {
      if (!(reason instanceof MalformedRequest || reason instanceof RangeError)) {
        console.error(reason);
      }
      // Replies to requests before it still go out.
      if (this.#exchange === undefined) this.#close();
      else this.destroy();
    } finally {
      this.#isReading = false;
    }
    if (at < bytes.length && !this.#isClosing) this.#keep(bytes, at);
  }

  /** Reads requests from what was kept. */
  #readAhead(): void {
    const bytes = this.#ahead.subarray(0, this.#aheadLength);
    this.#aheadLength = 0;
    this.#read(bytes);
    if (this.#aheadLength === 0) this.#ahead = EMPTY;
  }

  /** Keeps `bytes` from `start` on; where it lies already, if it does. */
  #keep(bytes: Uint8Array, start: number): void {
    if (bytes.buffer === this.#ahead.buffer) this.#ahead = this.#ahead.subarray(start);
    else this.#ahead = bytes.slice(start);
    this.#aheadLength = bytes.length - start;
    this.#limitAhead();
  }

  /** A client that sends more than is answered, or than it reads the answers of, is held back. */
  #limitAhead(): void {
    const waits = this.#exchange !== undefined || this.#connection.unsent > MAX_UNREAD;
    if (waits && this.#aheadLength > MAX_AHEAD) this.#pause(true);
  }

  #pause(paused: boolean): void {
    if (paused === this.#isPaused) return;
    this.#isPaused = paused;
    this.#connection.pause(paused);
  }

  /** Nothing is being answered: on to what was sent ahead. */
  #goOn(): void {
    this.#pause(false);
    if (this.#aheadLength > 0) this.#readAhead();
  }

  /** Reads a head; returns the index behind it, -1 when it is cut short. */
  #takeHead(bytes: Uint8Array): number {
    // Blank lines in front are none of the request's.
    if (bytes[0] === 13 && (bytes.length < 2 || bytes[1] === 10)) return bytes.length < 2 ? -1 : 2;
    let head = this.#head;
    if (head === undefined || !startsWith(bytes, this.#headBytes)) {
      const end = this.#scanner.end(bytes);
      if (end < 0) return -1;
      this.#headBytes = bytes.slice(0, end);
      head = this.#head = parseHead(this.#headBytes);
    }
    this.#scanner.reset();
    const exchange = this.#exchange = new Exchange(head);
    const { bodyLength } = head;
    const start = this.#headBytes.length;
    if (bodyLength === 0) {
      exchange.bodyCame(EMPTY);
      exchange.ask(this.#owner.handler, this.#reply);
    } else if (bodyLength === "chunked") {
      this.#body = new ChunkedBody();
    } else if (bodyLength <= SMALL_BODY && start + bodyLength <= bytes.length) {
      const end = start + bodyLength;
      exchange.askWith(bytes.subarray(start, end), this.#owner.handler, this.#reply);
      return end;
    } else {
      this.#body = new SizedBody(bodyLength);
    }
    return start;
  }

  /** Reads a part of a body; returns the index behind it. */
  #takeBody(body: BodyReader, bytes: Uint8Array, at: number): number {
    try {
      at = body.take(bytes, at);
    } catch (reason) {
      if (!(reason instanceof TooManyChunks)) throw reason;
      this.#body = undefined;
      if (this.#exchange === undefined) throw new MalformedRequest(reason.message);
      this.#exchange.mustClose = true;
      this.#reply(this.#exchange, TOO_MANY_CHUNKS);
      return bytes.length;
    }
    if (body.isComplete) this.#endBody(body);
    return at;
  }

  #endBody(body: BodyReader): void {
    this.#body = undefined;
    const exchange = this.#exchange;
    // Without one, the request was answered before.
    if (exchange === undefined) return;
    exchange.bodyCame(body.finish());
    if (!exchange.isAsked) exchange.ask(this.#owner.handler, this.#reply);
  }

  /** A body has not come whole: its request is answered meanwhile, if that is possible without it. */
  #awaitBody(body: BodyReader): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (!exchange.isAsked) {
      const { bodyLength, expectsContinue } = exchange.head;
      if (bodyLength !== "chunked" && bodyLength <= SMALL_BODY && !expectsContinue) return;
      exchange.ask(this.#owner.handler, this.#reply);
      if (exchange.isReplied) return;
      if (expectsContinue) this.#connection.write(CONTINUE);
    }
    const { rest } = body;
    if (rest === undefined || rest.length < LEAST_DIRECT) return;
    this.#isDirect = true;
    this.#connection.readInto(rest, () => {
      this.#isDirect = false;
      body.filled();
      this.#endBody(body);
    });
  }

  readonly #reply = (exchange: Exchange, reply: HttpReply): Settled => {
    if (exchange.isReplied || exchange !== this.#exchange) {
      reply.onSent?.();
      return;
    }
    exchange.isReplied = true;
    const { head } = exchange;
    if (this.#owner.isStopping || !head.keepAlive) exchange.mustClose = true;
    if (this.#body !== undefined && !this.#canSkip(this.#body)) exchange.mustClose = true;
    const { body } = reply;
    if (typeof body === "function" && !head.isVersion11) exchange.mustClose = true;
    const says = head.isVersion11 || head.connection !== undefined;
    const connection = exchange.mustClose ? (says ? "close" : undefined) : head.connection;
    if (typeof body === "function") {
      this.#stream = new StreamedBody(this.#connection, head, () => this.#settle(exchange));
      this.#stream.begin(reply, body, connection);
    } else {
      writeReply(this.#connection, head, reply, connection);
      this.#settle(exchange);
      // A request that came behind this one may have been asked.
      return this.#settled;
    }
  };

  /** Whether what is left of a body that nobody wants may be read, so that the connection can go on. */
  #canSkip(body: BodyReader): boolean {
    if (this.#isDirect || (body.missing ?? Infinity) > MAX_UNWANTED) return false;
    // A client that waits for a word may leave the body away now, or not.
    if (this.#exchange?.head.expectsContinue) return false;
    body.discard();
    return true;
  }

  /** The reply was written. */
  #settle(exchange: Exchange): void {
    exchange.settled();
    this.#exchange = undefined;
    this.#stream = undefined;
    if (exchange.mustClose) return this.#close();
    if (this.#isReading) return;
    this.#goOn();
  }
}
