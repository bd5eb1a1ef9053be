/**
 * Cuts what a client sends into frames.
 *
 * @module
 */
import {
  ConnectionError,
  ErrorCode,
  HEADER_SIZE,
  MAX_FRAME_SIZE,
  PREFACE,
  uint31,
} from "./frames.ts";

/** A frame's header. One object serves all frames of a connection. */
export interface FrameHeader {
  type: number;
  flags: number;
  stream: number;
}

/** What acts on the frames. */
export interface FrameHandler {
  /** The client has shown that it speaks HTTP/2. */
  begun(): void;
  /** Takes a frame, whose payload lies from `start` to `end`. The bytes are only valid during the call. */
  frame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void;
}

/** Memory for frames that come in pieces. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 16;

/** The frames of one connection. */
export class FrameParser {
  readonly #handler: FrameHandler;
  readonly #header: FrameHeader = { type: 0, flags: 0, stream: 0 };
  /** Bytes of the preface that came. */
  #preface = 0;
  /** The beginning of a frame whose rest has not come. */
  #partial: Uint8Array | undefined;
  #partialSize = 0;
  #stopped = false;

  /** `handler` is called from within `push()`. */
  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Whether the client has shown that it speaks HTTP/2. */
  get begun(): boolean {
    return this.#preface === PREFACE.length;
  }

  /** Takes no more frames, not even those that have already come. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Takes the next bytes. Returns false for what is not HTTP/2.
   *
   * @throws {ConnectionError} FRAME_SIZE_ERROR for a frame that is too long, and what the handler throws.
   */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    for (; this.#preface < PREFACE.length && at < bytes.length; at++) {
      if (bytes[at] !== PREFACE[this.#preface]) return false;
      this.#preface += 1;
      if (this.begun) this.#handler.begun();
    }
    if (this.#partial !== undefined) at = this.#complete(this.#partial, bytes, at);
    while (at < bytes.length && !this.#stopped) {
      const size = bytes.length - at < HEADER_SIZE ? Infinity : frameSize(bytes, at);
      if (at + size > bytes.length) {
        this.#keep(bytes, at);
        break;
      }
      this.#take(bytes, at, at + size);
      at += size;
    }
    return true;
  }

  /** Fills the frame that has begun. Returns where its rest ends. */
  #complete(partial: Uint8Array, bytes: Uint8Array, from: number): number {
    let at = from;
    const fill = (size: number) => {
      const end = Math.min(bytes.length, at + size - this.#partialSize);
      partial.set(bytes.subarray(at, end), this.#partialSize);
      this.#partialSize += end - at;
      at = end;
      return this.#partialSize === size;
    };
    if (this.#partialSize < HEADER_SIZE && !fill(HEADER_SIZE)) return at;
    const size = frameSize(partial, 0);
    if (this.#partialSize < size && !fill(size)) return at;
    this.#partial = undefined;
    this.#take(partial, 0, size);
    if (spare.length < MAX_SPARE) spare.push(partial);
    return at;
  }

  #keep(bytes: Uint8Array, at: number): void {
    this.#partial = spare.pop() ?? new Uint8Array(HEADER_SIZE + MAX_FRAME_SIZE);
    this.#partial.set(bytes.subarray(at));
    this.#partialSize = bytes.length - at;
  }

  #take(bytes: Uint8Array, at: number, end: number): void {
    const header = this.#header;
    header.type = bytes[at + 3];
    header.flags = bytes[at + 4];
    header.stream = uint31(bytes, at + 5);
    this.#handler.frame(header, bytes, at + HEADER_SIZE, end);
  }
}

/** The size of the frame at `at`, its header included. */
function frameSize(bytes: Uint8Array, at: number): number {
  const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  if (length > MAX_FRAME_SIZE) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "frame too long");
  }
  return HEADER_SIZE + length;
}
