/**
 * Both ends of an HTTP/2 connection without a socket: the server's `H2Connection`, and a client that
 * sends whatever frames a test wants.
 *
 * @module
 */
import type { Connection } from "../../src/net/connection.ts";
import { H2Connection } from "../../src/grpc/h2/connection.ts";
import { FrameType, PREFACE, uint31, uint32, writeFrameHeader } from "../../src/grpc/h2/frames.ts";
import { HpackDecoder } from "../../src/grpc/h2/hpack_decoder.ts";
import type { GrpcStream, StreamReceiver, TransportOptions } from "../../src/grpc/transport.ts";

/** A frame that the server sent. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** Triton's defaults. */
export const DEFAULTS: TransportOptions = {
  address: "127.0.0.1",
  port: 0,
  reusePort: false,
  keepaliveTimeMs: 7_200_000,
  keepaliveTimeoutMs: 20_000,
  keepalivePermitWithoutCalls: false,
  http2MaxPingsWithoutData: 2,
  http2MinRecvPingIntervalWithoutDataMs: 300_000,
  http2MaxPingStrikes: 2,
  maxConnectionAgeMs: 0,
  maxConnectionAgeGraceMs: 0,
};

/** A connection whose other side is the test. */
export class FakeConnection implements Connection {
  readonly batch: Uint8Array = new Uint8Array(0);
  readonly remoteAddress = "192.0.2.1:1234";
  readonly alpn = undefined;
  readonly written: Uint8Array[] = [];
  /** How often `write()` was called. */
  writes = 0;
  unsent = 0;
  /** While it is true nothing goes out. */
  isStalled = false;
  isEnded = false;
  isDestroyed = false;
  receiver: H2Connection | undefined;
  #waiting: (() => void)[] = [];

  reserve(): number {
    return -1;
  }

  write(bytes: Uint8Array, onSent?: () => void): void {
    this.writes += 1;
    this.written.push(bytes.slice());
    if (this.isStalled) {
      this.unsent += bytes.length;
      if (onSent) this.#waiting.push(onSent);
    } else if (onSent) {
      queueMicrotask(onSent);
    }
  }

  /** Everything goes out. */
  release(): void {
    this.isStalled = false;
    this.unsent = 0;
    for (const onSent of this.#waiting.splice(0)) onSent();
    this.receiver?.drained();
  }

  pause(): void {}
  readInto(): void {}

  end(): void {
    this.isEnded = true;
    queueMicrotask(() => this.receiver?.closed());
  }

  destroy(): void {
    this.isDestroyed = true;
    queueMicrotask(() => this.receiver?.closed());
  }
}

/** A request as the server sees it. */
export class FakeCall implements StreamReceiver {
  readonly stream: GrpcStream;
  readonly chunks: Uint8Array[] = [];
  size = 0;
  ended = false;
  abortedTimes = 0;
  drains = 0;

  constructor(stream: GrpcStream) {
    this.stream = stream;
  }

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice());
    this.size += chunk.length;
  }

  end(): void {
    this.ended = true;
  }

  aborted(): void {
    this.abortedTimes += 1;
  }

  drained(): void {
    this.drains += 1;
  }
}

const OK = { ":status": "200", "content-type": "application/grpc" };

/** POST /a, http, from the static table but for the path. */
export const REQUEST: Uint8Array = Uint8Array.of(0x83, 0x86, 0x04, 2, 0x2f, 0x61);

/** See the module. */
export class H2Peer {
  readonly connection = new FakeConnection();
  readonly server: H2Connection;
  readonly calls: FakeCall[] = [];
  isClosed = false;
  readonly #decoder = new HpackDecoder();

  /** A connection that has begun, unless `begin` is false. */
  constructor(options: Partial<TransportOptions> = {}, begin = true) {
    this.server = new H2Connection(this.connection, { ...DEFAULTS, ...options }, (stream) => {
      const call = new FakeCall(stream);
      this.calls.push(call);
      return call;
    }, () => this.isClosed = true);
    this.connection.receiver = this.server;
    if (!begin) return;
    this.server.data(PREFACE);
    this.send(frame(FrameType.SETTINGS, 0, 0));
  }

  /** Sends frames, or other bytes, in one piece. */
  send(...pieces: Uint8Array[]): void {
    const bytes = join(pieces);
    this.server.data(bytes);
    // What the server wants to keep it has copied.
    bytes.fill(0xee);
  }

  /** Opens a stream; `end` also ends its request. */
  open(stream: number, end = true, block: Uint8Array = REQUEST): void {
    this.send(frame(FrameType.HEADERS, end ? 5 : 4, stream, block));
  }

  /** What the server sent since the last call. */
  take(): Frame[] {
    const bytes = join(this.connection.written.splice(0));
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = uint32(bytes, at) >>> 8;
      const payload = bytes.slice(at + 9, at + 9 + length);
      frames.push({
        type: bytes[at + 3],
        flags: bytes[at + 4],
        stream: uint31(bytes, at + 5),
        payload,
      });
      at += 9 + length;
    }
    return frames;
  }

  /** The frames of a type among those sent since the last call. */
  takeOnly(type: number): Frame[] {
    return this.take().filter((each) => each.type === type);
  }

  /** The fields of a header block of the server. */
  decode({ payload }: Frame): Record<string, string> {
    const fields = this.#decoder.decode(payload, 0, payload.length, 1 << 20) ?? [];
    const record: Record<string, string> = {};
    for (let i = 0; i < fields.length; i += 2) record[fields[i]] = fields[i + 1];
    return record;
  }

  /** The code of the GOAWAY among `frames`, or undefined. */
  goAway(frames: readonly Frame[] = this.take()): number | undefined {
    const found = frames.find(({ type }) => type === FrameType.GOAWAY);
    return found && uint32(found.payload, 4);
  }

  /** Answers a call with `body`. */
  answer(call: FakeCall, body: Uint8Array): void {
    call.stream.respond(OK, false);
    call.stream.write(body);
    call.stream.trailers({ "grpc-status": "0" });
  }
}

/** A frame. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, 9);
  return bytes;
}

/** 32 bits as a payload. */
export function number(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** A setting. */
export function setting(id: number, value: number): Uint8Array {
  return join([Uint8Array.of(0, id), number(value)]);
}

/** All `pieces` in one. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Lets everything happen that is due. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Runs `use` with timers that are a hundred times as fast. */
export async function withFastTimers(use: () => Promise<void>): Promise<void> {
  const real = globalThis.setTimeout;
  const fast = (action: () => void, ms = 0) => real(action, ms / 100);
  globalThis.setTimeout = fast as typeof setTimeout;
  try {
    await use();
  } finally {
    globalThis.setTimeout = real;
  }
}
