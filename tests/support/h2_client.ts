/**
 * A gRPC client on a plain socket, with HTTP/2 of its own: it does not read when a test says so, breaks off
 * wherever a test wants, and is the same on every runtime.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { frameOf, FrameReader } from "../../src/grpc/framing.ts";
import {
  DEFAULT_WINDOW,
  Flag,
  FrameType,
  HEADER_SIZE,
  MAX_31,
  MAX_FRAME_SIZE,
  PREFACE,
  uint31,
  uint32,
} from "../../src/grpc/h2/frames.ts";
import { HpackDecoder } from "../../src/grpc/h2/hpack_decoder.ts";
import { type Frame, frame, join, number, setting } from "./h2_peer.ts";

/** How a call ended. */
export interface CallEnd {
  /** The gRPC status, or undefined when there was none. */
  readonly code?: number;
  readonly message?: string;
  /** The code of the server's RST_STREAM. */
  readonly reset?: number;
}

/** The error code with which calls are cancelled. */
export const CANCEL = 8;

/** What the client takes on the whole connection before it gives it back. */
const CONNECTION_WINDOW = 1 << 30;
const EMPTY = new Uint8Array(0);

/** A field of a header block, as it is. */
export function literal(name: string, value: string): Uint8Array {
  const text = (bytes: Uint8Array) => join([integer(bytes.length), bytes]);
  const encode = (part: string) => text(new TextEncoder().encode(part));
  return join([Uint8Array.of(0), encode(name), encode(value)]);
}

/** A length of HPACK, in 7 bits or more. */
function integer(value: number): Uint8Array {
  if (value < 127) return Uint8Array.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push(rest % 128 + 128);
  return Uint8Array.of(...bytes, rest);
}

/** The header block of a call. */
export function callHead(path: string, headers: Readonly<Record<string, string>> = {}): Uint8Array {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  };
  return join(Object.entries(fields).map(([name, value]) => literal(name, value)));
}

/** What a call needs of its connection. */
interface Line {
  readonly initialWindow: number;
  window: number;
  write(...frames: Uint8Array[]): void;
  forget(call: H2Call): void;
}

/** One call. */
export class H2Call {
  readonly id: number;
  /** What came, unless the call was made with a handler of messages. */
  readonly messages: Uint8Array[] = [];
  /** How many messages came. */
  count = 0;
  /** Resolves when the call is over, also because the connection is. */
  readonly end: Promise<CallEnd>;
  sendWindow: number;
  readonly #line: Line;
  readonly #reader: FrameReader;
  #waiting: Uint8Array[] = [];
  #isLast = false;
  #isReading = true;
  #taken = 0;
  #status: CallEnd = {};
  #finish: (end: CallEnd) => void = () => {};

  /** Only made by its connection. */
  constructor(id: number, line: Line, onMessage?: (message: Uint8Array, call: H2Call) => void) {
    this.id = id;
    this.#line = line;
    this.sendWindow = line.initialWindow;
    this.end = new Promise((resolve) => this.#finish = resolve);
    this.#reader = new FrameReader((message) => {
      this.count += 1;
      if (onMessage === undefined) this.messages.push(message);
      else onMessage(message, this);
    });
  }

  /** Sends a message, which is the last one when `last` says so. */
  send(message: Uint8Array, last = false): void {
    this.sendBytes(frameOf(message, false), last);
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array, last = false): void {
    this.#waiting.push(bytes);
    this.#isLast ||= last;
    this.sendMore();
  }

  /** Sends no more messages. */
  finish(): void {
    this.sendBytes(EMPTY, true);
  }

  /** Gives the call up. */
  cancel(): void {
    this.#line.write(frame(FrameType.RST_STREAM, 0, this.id, number(CANCEL)));
    this.over({});
  }

  /** Whether the server may send more than the window's size. */
  read(isReading: boolean): void {
    this.#isReading = isReading;
    this.#giveBack();
  }

  /** Sends what waits, as far as the windows allow. */
  sendMore(): void {
    const frames: Uint8Array[] = [];
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const room = Math.min(this.sendWindow, this.#line.window, MAX_FRAME_SIZE);
      if (next.length > 0 && room <= 0) break;
      const payload = next.subarray(0, room);
      this.sendWindow -= payload.length;
      this.#line.window -= payload.length;
      if (payload.length === next.length) this.#waiting.shift();
      else this.#waiting[0] = next.subarray(room);
      const isEnd = this.#isLast && this.#waiting.length === 0;
      frames.push(frame(FrameType.DATA, isEnd ? Flag.END_STREAM : 0, this.id, payload));
    }
    if (frames.length > 0) this.#line.write(...frames);
  }

  /** Takes a part of the response. */
  data(bytes: Uint8Array): void {
    this.#taken += bytes.length;
    this.#reader.push(bytes);
    this.#giveBack();
  }

  /** Takes the fields of a header block. */
  headers(fields: Readonly<Record<string, string>>): void {
    if (fields["grpc-status"] === undefined) return;
    const message = decodeURIComponent(fields["grpc-message"] ?? "");
    this.#status = { code: Number(fields["grpc-status"]), message };
  }

  /** Nothing more comes. */
  over(end: CallEnd = this.#status): void {
    this.#line.forget(this);
    this.#waiting = [];
    this.#finish(end);
  }

  #giveBack(): void {
    if (!this.#isReading || this.#taken < 1 << 16) return;
    this.#line.write(frame(FrameType.WINDOW_UPDATE, 0, this.id, number(this.#taken)));
    this.#taken = 0;
  }
}

/** See the module. */
export class H2Client implements Line {
  /** Resolves when the server, or `leave()`, has closed the connection. */
  readonly closed: Promise<void>;
  /** The code of the server's GOAWAY. */
  goAway: number | undefined;
  initialWindow = DEFAULT_WINDOW;
  window = DEFAULT_WINDOW;
  readonly #socket: Socket;
  readonly #calls = new Map<number, H2Call>();
  readonly #decoder = new HpackDecoder();
  readonly #header = new Uint8Array(HEADER_SIZE);
  #headerSize = 0;
  /** The payload of a frame other than DATA. */
  #payload = EMPTY;
  #left = 0;
  #taken = 0;
  #next = 1;

  private constructor(socket: Socket, streamWindow: number) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#receive(bytes));
    this.closed = new Promise((resolve) => {
      for (const event of ["end", "error", "close"]) {
        socket.on(event, () => {
          for (const call of [...this.#calls.values()]) call.over();
          resolve();
        });
      }
    });
    this.write(
      PREFACE,
      frame(FrameType.SETTINGS, 0, 0, setting(4, streamWindow)),
      frame(FrameType.WINDOW_UPDATE, 0, 0, number(CONNECTION_WINDOW - DEFAULT_WINDOW)),
    );
  }

  /** Connects; each stream of the server may send `streamWindow` bytes that are not read yet. */
  static open(port: number, streamWindow = 4 << 20): Promise<H2Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("connect", () => resolve(new H2Client(socket, streamWindow)));
    });
  }

  /** Begins a call. */
  call(
    path: string,
    options: {
      headers?: Record<string, string>;
      onMessage?: (message: Uint8Array, call: H2Call) => void;
    } = {},
  ): H2Call {
    const call = new H2Call(this.#next, this, options.onMessage);
    this.#next += 2;
    this.#calls.set(call.id, call);
    const head = callHead(path, options.headers);
    this.write(frame(FrameType.HEADERS, Flag.END_HEADERS, call.id, head));
    return call;
  }

  /** Sends the one message of a call and waits for its end. */
  async unary(
    path: string,
    message: Uint8Array,
  ): Promise<CallEnd & { messages: Uint8Array[] }> {
    const call = this.call(path);
    call.send(message, true);
    return { ...await call.end, messages: call.messages };
  }

  /** Stops reading from the socket, or goes on. */
  pause(isPaused: boolean): void {
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Goes away, by a reset or by closing its sending direction, and does not wait. */
  leave(how: "reset" | "end"): void {
    if (how === "end") {
      this.#socket.end();
    } else {
      for (const call of [...this.#calls.values()]) call.over();
      this.#socket.resetAndDestroy();
    }
  }

  /** Goes away and waits for the server's side. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.leave("end");
    this.pause(false);
    await this.closed;
    this.#socket.destroy();
  }

  write(...frames: Uint8Array[]): void {
    if (this.#socket.writable) this.#socket.write(join(frames));
  }

  forget(call: H2Call): void {
    this.#calls.delete(call.id);
  }

  #receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#headerSize < HEADER_SIZE) {
        this.#header[this.#headerSize++] = bytes[at++];
        if (this.#headerSize === HEADER_SIZE) this.#begin();
        continue;
      }
      const part = bytes.subarray(at, at + this.#left);
      at += part.length;
      if (this.#type === FrameType.DATA) this.#data(part);
      else this.#payload.set(part, this.#payload.length - this.#left);
      this.#left -= part.length;
      if (this.#left === 0) this.#finish();
    }
  }

  get #type(): number {
    return this.#header[3];
  }

  #begin(): void {
    this.#left = uint32(this.#header, 0) >>> 8;
    this.#payload = this.#type === FrameType.DATA ? EMPTY : new Uint8Array(this.#left);
    if (this.#left === 0) this.#finish();
  }

  #data(part: Uint8Array): void {
    this.#taken += part.length;
    if (this.#taken > CONNECTION_WINDOW / 2) {
      this.write(frame(FrameType.WINDOW_UPDATE, 0, 0, number(this.#taken)));
      this.#taken = 0;
    }
    this.#calls.get(uint31(this.#header, 5))?.data(part);
  }

  #finish(): void {
    this.#headerSize = 0;
    const flags = this.#header[4];
    const stream = uint31(this.#header, 5);
    this.#act({ type: this.#type, flags, stream, payload: this.#payload });
  }

  #act({ type, flags, stream, payload }: Frame): void {
    const call = this.#calls.get(stream);
    if (type === FrameType.DATA || type === FrameType.HEADERS) {
      if (type === FrameType.HEADERS) this.#headers(call, flags, payload);
      if ((flags & Flag.END_STREAM) !== 0) call?.over();
    } else if (type === FrameType.RST_STREAM) {
      call?.over({ reset: uint32(payload, 0) });
    } else if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) {
      this.#settings(payload);
    } else if (type === FrameType.PING && (flags & Flag.ACK) === 0) {
      this.write(frame(FrameType.PING, Flag.ACK, 0, payload));
    } else if (type === FrameType.GOAWAY) {
      this.goAway = uint32(payload, 4);
    } else if (type === FrameType.WINDOW_UPDATE) {
      this.#widen(stream, uint32(payload, 0) & MAX_31);
    }
  }

  #headers(call: H2Call | undefined, flags: number, payload: Uint8Array): void {
    assert.ok((flags & Flag.END_HEADERS) !== 0, "no header block is so long");
    const fields = this.#decoder.decode(payload, 0, payload.length, 1 << 20) ?? [];
    const record: Record<string, string> = {};
    for (let i = 0; i < fields.length; i += 2) record[fields[i]] = fields[i + 1];
    call?.headers(record);
  }

  #settings(payload: Uint8Array): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload[at + 1] !== 4) continue;
      const change = uint32(payload, at + 2) - this.initialWindow;
      this.initialWindow += change;
      for (const call of this.#calls.values()) this.#widenCall(call, change);
    }
    this.write(frame(FrameType.SETTINGS, Flag.ACK, 0));
  }

  #widen(stream: number, increment: number): void {
    if (stream === 0) {
      this.window += increment;
      for (const call of this.#calls.values()) call.sendMore();
    } else {
      const call = this.#calls.get(stream);
      if (call) this.#widenCall(call, increment);
    }
  }

  #widenCall(call: H2Call, increment: number): void {
    call.sendWindow += increment;
    call.sendMore();
  }
}
