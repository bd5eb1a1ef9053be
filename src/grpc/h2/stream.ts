/**
 * One stream of a connection.
 *
 * @module
 */
import { COPIED_SIZE, type Fields, type GrpcStream, type StreamReceiver } from "../transport.ts";
import type { RequestHead } from "./request_head.ts";
import type { Sender, SendingStream } from "./sender.ts";
import { STREAM_WINDOW } from "./settings.ts";

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly sender: Sender;
  /** There is something to flush. */
  written(): void;
  /** The response is complete. */
  answered(stream: H2Stream): void;
  /** Ends the stream with an error code. */
  reset(stream: H2Stream, code: number): void;
}

/** Bytes that wait to be sent. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly onTaken?: () => void;
}

/** A stream with so much to send asks its writer to wait. */
const HIGH_WATER = 65536;

/** Hears nothing: for streams whose receiver is not there yet, or not any more. */
const DEAF: StreamReceiver = { data() {}, end() {}, aborted() {}, drained() {} };

/** See the module. */
export class H2Stream implements GrpcStream, SendingStream {
  readonly id: number;
  sendWindow: number;
  /** What the gRPC layer gave for the stream. */
  receiver: StreamReceiver = DEAF;
  /** Whether the client has sent everything. */
  requestEnded = false;
  /** Whether the response is complete, or the stream was reset. */
  responseEnded = false;
  /** Whether the last of the response was sent, as far as the connection is concerned. */
  responseSent = false;
  /** Whether the connection has forgotten the stream. */
  closed = false;
  readonly #head: RequestHead;
  readonly #owner: StreamOwner;
  /** Bytes that the client may still send. */
  #window = STREAM_WINDOW;
  /** Bytes that were handed on, but not given back to the client. */
  #taken = 0;
  /** What `content-length` still promises, or -1. */
  #promised: number;
  #paused = false;
  /** What came while the stream was paused. */
  #held: Uint8Array[] = [];
  /** What waits to be sent, the first from `#offset` on. */
  #chunks: Chunk[] = [];
  #offset = 0;
  #queued = 0;
  #trailers: Fields | undefined;
  #wantsDrain = false;

  /** Only made by its connection. */
  constructor(id: number, head: RequestHead, owner: StreamOwner) {
    this.id = id;
    this.#head = head;
    this.#owner = owner;
    this.#promised = head.contentLength;
    this.sendWindow = owner.sender.initialWindow;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    return this.#head.path;
  }

  get headers(): readonly string[] {
    return this.#head.fields;
  }

  respond(fields: Fields, end: boolean): void {
    if (this.responseEnded) return;
    this.#owner.sender.headers(this.id, fields, end);
    if (end) this.#answered();
    this.#owner.written();
  }

  write(chunk: Uint8Array, onTaken?: () => void): boolean {
    if (this.responseEnded || chunk.length === 0) {
      onTaken?.();
      return true;
    }
    let rest = chunk.length;
    if (this.#queued === 0) {
      this.#offset = this.#owner.sender.data(this, chunk, 0, chunk.length);
      rest -= this.#offset;
    }
    const isCopied = chunk.length <= COPIED_SIZE;
    if (rest > 0) {
      this.#chunks.push(isCopied ? { bytes: chunk.slice() } : { bytes: chunk, onTaken });
    }
    if (rest === 0 || isCopied) onTaken?.();
    this.#queued += rest;
    this.#owner.written();
    if (this.#queued <= HIGH_WATER) return true;
    this.#wantsDrain = true;
    return false;
  }

  trailers(fields: Fields): void {
    if (this.responseEnded) return;
    if (this.#queued > 0) {
      this.responseEnded = true;
      this.#trailers = fields;
      return;
    }
    this.#owner.sender.headers(this.id, fields, true);
    this.#answered();
    this.#owner.written();
  }

  reset(code: number): void {
    if (!this.closed) this.#owner.reset(this, code);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) return;
    if (this.#held.length > 0) queueMicrotask(() => this.#release());
    else this.#giveBack();
  }

  sendMore(budget: number): void {
    let left = budget;
    while (this.#queued > 0 && left > 0) {
      const { bytes, onTaken } = this.#chunks[0];
      const end = this.#owner.sender.data(this, bytes, this.#offset, left);
      const sent = end - this.#offset;
      if (sent === 0) return;
      left -= sent;
      this.#queued -= sent;
      this.#offset = end;
      if (end < bytes.length) continue;
      this.#offset = 0;
      this.#chunks.shift();
      onTaken?.();
    }
    if (this.#queued > 0) {
      this.#owner.sender.resume(this);
    } else if (this.#trailers !== undefined) {
      this.#owner.sender.headers(this.id, this.#trailers, true);
      this.#answered();
    } else if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.receiver.drained();
    }
  }

  /** The client takes more, or less: false when its window is larger than there may be. */
  widen(increment: number): boolean {
    const before = this.sendWindow;
    this.sendWindow += increment;
    if (this.sendWindow > 0x7fffffff) return false;
    if (before <= 0 && this.#queued > 0) this.#owner.sender.resume(this);
    return true;
  }

  /** Counts a frame's bytes against the client's window: false when it had no right to send them. */
  spend(size: number): boolean {
    this.#window -= size;
    return this.#window >= 0;
  }

  /** Counts data against `content-length`: false when it does not fit, at the `end` or before. */
  fits(size: number, end: boolean): boolean {
    if (this.#promised < 0) return true;
    this.#promised -= size;
    return end ? this.#promised === 0 : this.#promised >= 0;
  }

  /** Data from the client, which is only valid during the call; `padding` is what came with it. */
  data(bytes: Uint8Array, padding: number): void {
    if (this.responseEnded) return;
    this.#taken += padding;
    if (this.#paused || this.#held.length > 0) {
      if (bytes.length > 0) this.#held.push(bytes.slice());
      return;
    }
    this.#hand(bytes);
    this.#giveBack();
  }

  /** The client has sent everything. */
  end(): void {
    this.requestEnded = true;
    if (this.responseEnded) return;
    if (this.#paused || this.#held.length > 0) this.#held.push(END);
    else this.receiver.end();
  }

  /** The stream ends without both sides having finished. */
  abort(): void {
    const { responseEnded, receiver } = this;
    this.close();
    if (!responseEnded) receiver.aborted();
  }

  /** Nothing is sent or received any more. */
  close(): void {
    this.closed = true;
    this.responseEnded = true;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#held = [];
    this.#queued = 0;
    this.receiver = DEAF;
    for (const { onTaken } of chunks) onTaken?.();
  }

  #answered(): void {
    this.responseEnded = true;
    this.responseSent = true;
    this.#owner.answered(this);
  }

  #hand(bytes: Uint8Array): void {
    this.#taken += bytes.length;
    if (bytes.length > 0) this.receiver.data(bytes);
  }

  /** In large steps, and not while the stream is paused. */
  #giveBack(): void {
    if (this.#taken < STREAM_WINDOW / 2 || this.#paused || this.requestEnded || this.closed) return;
    this.#owner.sender.giveBack(this.id, this.#taken);
    this.#window += this.#taken;
    this.#taken = 0;
    this.#owner.written();
  }

  /** Hands on what came while the stream was paused, until it is paused again. */
  #release(): void {
    while (!this.#paused && !this.responseEnded) {
      const next = this.#held.shift();
      if (next === undefined) break;
      if (next === END) this.receiver.end();
      else this.#hand(next);
    }
    this.#giveBack();
  }
}

/** Stands for the end of the request among what came while a stream was paused. */
const END = new Uint8Array(0);
