/**
 * Collects the body of a request, of known length or in chunks.
 *
 * @module
 */
import { giveMemory, takeMemory } from "../memory_pool.ts";
import { MalformedRequest } from "./head.ts";

/** Collects a body from the bytes behind a head. */
export interface BodyReader {
  /** Whether the body is complete. */
  readonly isComplete: boolean;
  /** How many bytes have not come yet; undefined when that is unknown. */
  readonly missing: number | undefined;
  /**
   * Takes what belongs to the body from `bytes`, from `start` on; returns the index behind it.
   *
   * @throws {MalformedRequest}
   */
  take(bytes: Uint8Array, start: number): number;
  /** Memory for what is still missing, when it may be read straight into it. */
  readonly rest: Uint8Array | undefined;
  /** The rest was read. */
  filled(): void;
  /** Throws away what has come and what comes. */
  discard(): void;
  /** The complete body, which is handed over, with its memory of the pool. */
  finish(): Uint8Array;
}

/** A length that is announced is believed in steps, each when what was allocated before has really come. */
const TRUSTED_LENGTHS = [2 << 20, 32 << 20];
const EMPTY = new Uint8Array(0);

/** Bytes that grow, up to an end that may be unknown. */
class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;
  readonly #isExpected: boolean;
  #isDiscarded = false;

  /** `expected` is how many bytes were announced; 0 when that is unknown. */
  constructor(expected: number) {
    this.#isExpected = expected > 0;
    const capacity = Math.min(expected, TRUSTED_LENGTHS[0]);
    this.#bytes = capacity === 0 ? EMPTY : takeMemory(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Room for more, as far as it is allocated. */
  get room(): Uint8Array {
    return this.#bytes.subarray(this.#length);
  }

  grewInPlace(size: number): void {
    this.#length += size;
  }

  append(bytes: Uint8Array, limit: number): void {
    const length = this.#length + bytes.length;
    if (!this.#isDiscarded) {
      if (length > this.#bytes.length) {
        const grown = takeMemory(Math.min(this.#capacityFor(length), limit));
        grown.set(this.#bytes.subarray(0, this.#length));
        giveMemory(this.#bytes);
        this.#bytes = grown;
      }
      this.#bytes.set(bytes, this.#length);
    }
    this.#length = length;
  }

  /** Room for `length` bytes and some that will follow. */
  #capacityFor(length: number): number {
    if (!this.#isExpected) return Math.max(2 * length, 1024);
    return TRUSTED_LENGTHS.find((trusted) => length <= trusted) ?? Infinity;
  }

  discard(): void {
    this.#isDiscarded = true;
    giveMemory(this.#bytes);
    this.#bytes = EMPTY;
  }

  whole(): Uint8Array {
    return this.#length === this.#bytes.length
      ? this.#bytes
      : this.#bytes.subarray(0, this.#length);
  }
}

/** A body of known length. */
export class SizedBody implements BodyReader {
  readonly #length: number;
  readonly #bytes: GrowingBytes;
  #isDiscarded = false;

  constructor(length: number) {
    this.#length = length;
    this.#bytes = new GrowingBytes(length);
  }

  get isComplete(): boolean {
    return this.missing === 0;
  }

  get missing(): number {
    return this.#length - this.#bytes.length;
  }

  take(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.missing);
    this.#bytes.append(bytes.subarray(start, end), this.#length);
    return end;
  }

  get rest(): Uint8Array | undefined {
    const { room } = this.#bytes;
    const isAll = !this.#isDiscarded && room.length === this.missing;
    return isAll ? room : undefined;
  }

  filled(): void {
    this.#bytes.grewInPlace(this.missing);
  }

  discard(): void {
    this.#isDiscarded = true;
    this.#bytes.discard();
  }

  finish(): Uint8Array {
    return this.#bytes.whole();
  }
}

/** More chunks than Triton takes since 2.69. */
export class TooManyChunks extends Error {}

const MAX_CHUNKS = 65536;
/** The longest line of a chunk's size with its extensions, or of a trailer. */
const MAX_LINE = 8192;
const MAX_SIZE_DIGITS = 8;

const State = { SIZE: 0, DATA: 1, DATA_END: 2, TRAILER: 3, DONE: 4 } as const;

const LF = 10, CR = 13;

/** A body in chunks. */
export class ChunkedBody implements BodyReader {
  readonly missing: number | undefined = undefined;
  readonly rest: Uint8Array | undefined = undefined;
  readonly #bytes = new GrowingBytes(0);
  #state: number = State.SIZE;
  /** What is missing of the chunk. */
  #missing = 0;
  #chunks = 0;
  #line = "";

  get isComplete(): boolean {
    return this.#state === State.DONE;
  }

  take(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && this.#state !== State.DONE) {
      if (this.#state === State.DATA) {
        const end = Math.min(bytes.length, at + this.#missing);
        this.#bytes.append(bytes.subarray(at, end), Number.MAX_SAFE_INTEGER);
        this.#missing -= end - at;
        at = end;
        if (this.#missing === 0) this.#state = State.DATA_END;
      } else {
        const end = bytes.indexOf(LF, at);
        const stop = end < 0 ? bytes.length : end + 1;
        if (this.#line.length + stop - at > MAX_LINE) throw new MalformedRequest("a long line");
        for (; at < stop; at++) this.#line += String.fromCharCode(bytes[at]);
        if (end >= 0) this.#endLine();
      }
    }
    return at;
  }

  filled(): void {}

  discard(): void {
    this.#bytes.discard();
  }

  finish(): Uint8Array {
    return this.#bytes.whole();
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (line.charCodeAt(line.length - 2) !== CR) {
      throw new MalformedRequest("a line ends without CR");
    }
    const text = line.slice(0, -2);
    if (this.#state === State.SIZE) this.#beginChunk(text);
    else if (this.#state === State.TRAILER) {
      if (text === "") this.#state = State.DONE;
    } else if (text === "") this.#state = State.SIZE;
    else throw new MalformedRequest("a chunk is longer than its size");
  }

  #beginChunk(line: string): void {
    const digits = line.split(";", 1)[0].trimEnd();
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.replace(/^0+/, "").length > MAX_SIZE_DIGITS) {
      throw new MalformedRequest(`the size of a chunk is ${digits}`);
    }
    this.#missing = parseInt(digits, 16);
    this.#state = this.#missing === 0 ? State.TRAILER : State.DATA;
    if (this.#missing > 0 && ++this.#chunks > MAX_CHUNKS) throw new TooManyChunks();
  }
}
