/**
 * gRPC messages in a byte stream: each behind a flag byte and its length (32 bits, big-endian).
 *
 * @module
 */

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

/**
 * Cuts a byte stream into messages. A message that came in one piece is handed on without a copy;
 * memory is taken for what has come, never for what the length announces.
 */
export class FrameReader {
  readonly #onMessage: (message: Uint8Array, compressed: boolean) => void;
  #chunks: Uint8Array[] = [];
  /** Bytes in `#chunks`. */
  #size = 0;
  /** Bytes that the frame under way needs before anything can be done. */
  #needed = PREFIX_SIZE;

  /** `onMessage` is called from within `push()`, in order. */
  constructor(onMessage: (message: Uint8Array, compressed: boolean) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws {MessageTooLargeError} when a length is over the limit; the stream is of no use then.
   */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#needed) {
      const bytes = this.#joined();
      const length = (bytes[1] * 0x1000000) + (bytes[2] << 16) + (bytes[3] << 8) + bytes[4];
      if (length > MAX_MESSAGE_SIZE) throw new MessageTooLargeError(length);
      const end = PREFIX_SIZE + length;
      if (bytes.length < end) {
        this.#needed = end;
        return;
      }
      this.#chunks = bytes.length === end ? [] : [bytes.subarray(end)];
      this.#size = bytes.length - end;
      this.#needed = PREFIX_SIZE;
      this.#onMessage(bytes.subarray(PREFIX_SIZE, end), (bytes[0] & 1) !== 0);
    }
  }

  #joined(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0];
    const joined = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks = [joined];
    return joined;
  }
}
