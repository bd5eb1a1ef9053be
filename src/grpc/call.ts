/**
 * One gRPC call over one HTTP/2 stream: request messages in, response messages and a status out. What
 * is done with the messages is the business of a {@link CallListener}.
 *
 * @module
 */
import {
  ACCEPTED_ENCODINGS,
  compress,
  type CompressionLevel,
  decompress,
  type Encoding,
  responseEncoding,
} from "./compression.ts";
import {
  frameOf,
  FrameReader,
  joined,
  MessageTooLargeError,
  PREFIX_SIZE,
  sizeOf,
  writePrefix,
} from "./framing.ts";
import type { Live } from "../live_set.ts";
import { type RpcStatus, StatusCode, statusFields } from "./status.ts";
import { COPIED_SIZE, type Fields, type GrpcStream, type StreamReceiver } from "./transport.ts";

/** What acts on a call. Nothing is called after the call has finished or was cancelled. */
export interface CallListener {
  /**
   * The next message of the request, which is only valid during the call when it is small; undefined for
   * one that is marked as compressed without an algorithm.
   */
  message(bytes: Uint8Array | undefined): void;
  /** The client sends no more messages. */
  end(): void;
  /** The client gave up, its deadline passed, or its connection broke: nobody waits for an answer. */
  cancelled(): void;
  /** `send()` may be called again after it returned false. */
  writable?(): void;
}

/** What every reply has; the only headers of one that is nothing but a status. */
const STATUS_ONLY: Fields = { ":status": "200", "content-type": "application/grpc" };

const HEADERS: Fields = { ...STATUS_ONLY, "grpc-accept-encoding": ACCEPTED_ENCODINGS };

/** See the module. The listener is set once, before the first event. */
export class ServerCall implements StreamReceiver, Live {
  liveIndex = -1;
  /** The full name of the method as in the `:path`: `/inference.GRPCInferenceService/ModelInfer`. */
  readonly path: string;
  /** Set by whoever handles the call. */
  listener: CallListener | undefined;
  readonly #stream: GrpcStream;
  readonly #reader: FrameReader;
  readonly #requestEncoding: Encoding | undefined;
  readonly #onFinish: () => void;
  #responseEncoding: Encoding | undefined;
  #headersSent = false;
  #finished = false;
  /** Whether what was sent waits for the client. */
  #stalled = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** `onFinish` is called once, when the call is over for whatever reason. */
  constructor(stream: GrpcStream, encoding: Encoding | undefined, onFinish: () => void) {
    this.path = stream.path;
    this.#stream = stream;
    this.#requestEncoding = encoding;
    this.#onFinish = onFinish;
    this.#reader = new FrameReader((message, compressed) => this.#receive(message, compressed));
    const timeout = this.header("grpc-timeout");
    if (timeout !== undefined) this.#limitTime(timeout);
  }

  /** True once a status was sent or the call was cancelled. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Names (lower case) and values of the metadata in turn, in the order in which they came. */
  get headers(): readonly string[] {
    return this.#stream.headers;
  }

  /** The first value of the metadata key `name`. */
  header(name: string): string | undefined {
    const { headers } = this.#stream;
    for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
    return undefined;
  }

  /** Compresses the messages still to be sent as `level` and the client allow. */
  compressResponses(level: CompressionLevel): void {
    this.#responseEncoding = responseEncoding(level, this.header("grpc-accept-encoding"));
  }

  /** Holds the client back, or lets it send again. */
  pause(paused: boolean): void {
    this.#stream.pause(paused);
  }

  /**
   * Sends a message that lies behind five free bytes for its prefix, which are filled in here; it is copied
   * unless it is larger than 16 KiB, and belongs to the call then. False asks to wait for `writable()`.
   */
  send(frame: Uint8Array): boolean {
    if (this.#finished) return true;
    this.#sendHeaders();
    const taken = this.#stream.write(this.#sealed(frame));
    this.#stalled = !taken;
    return taken;
  }

  /**
   * Sends a message in parts, of which the first begins with five free bytes for the prefix. `onTaken` is
   * called once, when the parts are not needed any more.
   */
  sendParts(parts: readonly Uint8Array[], onTaken: () => void): void {
    if (this.#finished) return onTaken();
    if (parts.length === 1 || this.#responseEncoding !== undefined) {
      this.send(parts.length === 1 ? parts[0] : joined(parts));
      return onTaken();
    }
    this.#sendHeaders();
    writePrefix(parts[0], sizeOf(parts) - PREFIX_SIZE, false);
    let waiting = 1;
    const taken = () => {
      if (--waiting === 0) onTaken();
    };
    for (const part of parts) {
      const isCopied = part.length <= COPIED_SIZE;
      if (!isCopied) waiting++;
      this.#stalled = !this.#stream.write(part, isCopied ? undefined : taken);
    }
    taken();
  }

  #sendHeaders(): void {
    if (this.#headersSent) return;
    this.#headersSent = true;
    this.#stream.respond(this.#responseHeaders(), false);
  }

  /** Ends the call, with success unless there is a `status`. Later calls have no effect. */
  finish(status?: RpcStatus): void {
    if (this.#finished) return;
    const fields = statusFields(status);
    if (this.#headersSent) this.#stream.trailers(fields);
    else this.#stream.respond({ ...STATUS_ONLY, ...fields }, true);
    this.#end();
  }

  /** Ends the call with `status` before its listener wanted to, which is told so. */
  abort(status: RpcStatus): void {
    if (this.#finished) return;
    this.finish(status);
    this.listener?.cancelled();
  }

  data(chunk: Uint8Array): void {
    if (this.#finished) return;
    try {
      this.#reader.push(chunk);
    } catch (reason) {
      if (!(reason instanceof MessageTooLargeError)) throw reason;
      this.abort({ code: StatusCode.RESOURCE_EXHAUSTED, message: reason.message });
    }
  }

  end(): void {
    if (!this.#finished) this.listener?.end();
  }

  aborted(): void {
    if (this.#finished) return;
    this.#end();
    this.listener?.cancelled();
  }

  drained(): void {
    this.#stalled = false;
    if (!this.#finished) this.listener?.writable?.();
  }

  #receive(message: Uint8Array, compressed: boolean): void {
    if (this.#finished) return;
    if (!compressed) this.listener?.message(message);
    else if (this.#requestEncoding === undefined) this.listener?.message(undefined);
    else this.#receivePacked(message, this.#requestEncoding);
  }

  /** A damaged message ends the call at once, also a stream of others. */
  #receivePacked(message: Uint8Array, encoding: Encoding): void {
    let bytes: Uint8Array;
    try {
      bytes = decompress(encoding, message);
    } catch {
      this.abort({
        code: StatusCode.INTERNAL,
        message: `Unexpected error decompressing data for algorithm ${encoding}`,
      });
      return;
    }
    this.listener?.message(bytes);
  }

  #responseHeaders(): Fields {
    if (this.#responseEncoding === undefined) return HEADERS;
    return { ...HEADERS, "grpc-encoding": this.#responseEncoding };
  }

  #sealed(frame: Uint8Array): Uint8Array {
    if (this.#responseEncoding !== undefined) {
      const packed = compress(this.#responseEncoding, frame.subarray(PREFIX_SIZE));
      if (packed !== undefined) return frameOf(packed, true);
    }
    writePrefix(frame, frame.length - PREFIX_SIZE, false);
    return frame;
  }

  /** Ends the call at the client's deadline, as gRPC's C++ server does. */
  #limitTime(text: string): void {
    const milliseconds = parseTimeout(text);
    if (milliseconds === undefined || milliseconds > MAX_TIMER) return;
    this.#deadline = setTimeout(() => {
      if (!this.#stalled) return this.abort(DEADLINE_EXCEEDED);
      // A status would wait behind what the client does not read.
      this.#stream.reset(CANCEL);
      this.aborted();
    }, milliseconds + DEADLINE_MARGIN_MS);
  }

  #end(): void {
    this.#finished = true;
    clearTimeout(this.#deadline);
    this.#onFinish();
  }
}

/** Clients that keep their deadline by themselves come first: some mind a status while they reset. */
const DEADLINE_MARGIN_MS = 20;

/** The status at a client's deadline, which most clients name so themselves. */
const DEADLINE_EXCEEDED: RpcStatus = {
  code: StatusCode.DEADLINE_EXCEEDED,
  message: "Deadline Exceeded",
};

/** HTTP/2's error code for a stream that is not needed any more. */
const CANCEL = 8;

/** The longest time that a timer of the runtime can wait, in milliseconds: 24 days. */
const MAX_TIMER = 2147483647;

const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** A `grpc-timeout` in milliseconds, rounded up; undefined for a text that is none. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  if (match === null) return undefined;
  return Math.max(1, Math.ceil(Number(match[1]) * UNITS[match[2]]));
}
