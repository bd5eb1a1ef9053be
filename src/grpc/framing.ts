/**
 * gRPC messages in a byte stream: each behind a flag byte and its length (32 bits, big-endian).
 *
 * @module
 */

import { giveMemory, takeMemory } from "../memory_pool.ts";

/** The bytes before each message. */
export const PREFIX_SIZE = 5;

/** The longest message in either direction, in bytes: Triton's INT_MAX. */
export const MAX_MESSAGE_SIZE = 2147483647;

/** Thrown when a client announces a message over {@link MAX_MESSAGE_SIZE}. */
export class MessageTooLargeError extends Error {
  /** Makes the error for a message of `size` bytes, with gRPC's text. */
  constructor(size: number) {
    super(`Received message larger than max (${size} vs. ${MAX_MESSAGE_SIZE})`);
  }
}

/** Writes the prefix of a message of `length` bytes to the start of `frame`. */
export function writePrefix(frame: Uint8Array, length: number, compressed: boolean): void {
  frame[0] = compressed ? 1 : 0;
  frame[1] = length >>> 24;
  frame[2] = length >>> 16;
  frame[3] = length >>> 8;
  frame[4] = length;
}

/** `message` behind its prefix. */
export function frameOf(message: Uint8Array, compressed: boolean): Uint8Array {
  const frame = new Uint8Array(PREFIX_SIZE + message.length);
  writePrefix(frame, message.length, compressed);
  frame.set(message, PREFIX_SIZE);
  return frame;
}

const NOTHING = new Uint8Array(0);
/** A message up to this size that came in one piece is not copied. */
const SMALL_MESSAGE = 4096;
/** The bytes of all parts. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  let size = 0;
  for (const part of parts) size += part.length;
  return size;
}

/** The parts as one copy. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What is taken at first for a message that comes in pieces. */
const FIRST_SIZE = 131072;
/** By how much that grows when it is full. */
const GROWTH = 16;

/**
 * Cuts a byte stream into messages. Those of up to 4096 bytes are only valid during the call, larger ones
 * are copies, in memory of the pool. Memory is taken for a few times what has come, never for what the
 * length announces.
 */
export class FrameReader {
  readonly #onMessage: (message: Uint8Array, compressed: boolean) => void;
  /** Only there once a prefix came in pieces, or a message. */
  #prefix = NOTHING;
  #prefixSize = 0;
  /** The message under way, whose prefix is complete. */
  #message: Uint8Array | undefined;
  #size = 0;
  #length = 0;

  /** `onMessage` is called from within `push()`, in order. */
  constructor(onMessage: (message: Uint8Array, compressed: boolean) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * Takes the next bytes of the stream, of which nothing is kept.
   *
   * @throws {MessageTooLargeError} when a length is over the limit; the stream is of no use then.
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#message !== undefined) at = this.#append(chunk, at);
      else if (this.#prefixSize > 0 || chunk.length - at < PREFIX_SIZE) at = this.#begin(chunk, at);
      else at = this.#whole(chunk, at);
    }
  }

  /** A message that begins at `at`; most are there to the end. */
  #whole(chunk: Uint8Array, at: number): number {
    const length = lengthOf(chunk, at);
    const start = at + PREFIX_SIZE;
    const end = start + length;
    if (end > chunk.length) return this.#begin(chunk, at);
    let message = chunk.subarray(start, end);
    if (length > SMALL_MESSAGE) {
      const copy = takeMemory(length);
      copy.set(message);
      message = copy;
    }
    this.#onMessage(message, (chunk[at] & 1) !== 0);
    return end;
  }

  /** The prefix of a message that comes in pieces. */
  #begin(chunk: Uint8Array, from: number): number {
    let at = from;
    if (this.#prefix === NOTHING) this.#prefix = new Uint8Array(PREFIX_SIZE);
    while (this.#prefixSize < PREFIX_SIZE && at < chunk.length) {
      this.#prefix[this.#prefixSize++] = chunk[at++];
    }
    if (this.#prefixSize < PREFIX_SIZE) return at;
    this.#length = lengthOf(this.#prefix, 0);
    this.#size = 0;
    this.#message = takeMemory(Math.min(this.#length, FIRST_SIZE));
    if (this.#length === 0) this.#finish();
    return at;
  }

  #append(chunk: Uint8Array, at: number): number {
    let message = this.#message as Uint8Array;
    const end = Math.min(chunk.length, at + this.#length - this.#size);
    const size = this.#size + end - at;
    if (size > message.length) {
      const grown = takeMemory(Math.min(this.#length, size * GROWTH));
      grown.set(message.subarray(0, this.#size));
      giveMemory(message);
      this.#message = message = grown;
    }
    message.set(chunk.subarray(at, end), this.#size);
    this.#size = size;
    if (size === this.#length) this.#finish();
    return end;
  }

  #finish(): void {
    const message = this.#message as Uint8Array;
    this.#message = undefined;
    this.#prefixSize = 0;
    this.#onMessage(message, (this.#prefix[0] & 1) !== 0);
  }
}

function lengthOf(prefix: Uint8Array, at: number): number {
  const length = (prefix[at + 1] * 0x1000000) + (prefix[at + 2] << 16) + (prefix[at + 3] << 8) +
    prefix[at + 4];
  if (length > MAX_MESSAGE_SIZE) throw new MessageTooLargeError(length);
  return length;
}
