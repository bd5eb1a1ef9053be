/**
 * Writing JSON as bytes in rapidjson's form: compact, integers exact to 64 bits, doubles always with a
 * fraction or an exponent, NaN and the infinities bare, strings with as few escapes as there can be.
 *
 * @module
 */
import { INTEGER_SIZE, putInteger } from "./digits.ts";
import { DOUBLE_SIZE, putDouble } from "./doubles.ts";

const encoder = new TextEncoder();

const QUOTE = 0x22, BACKSLASH = 0x5c, LETTER_U = 0x75;
const UPPER_HEX = encoder.encode("0123456789ABCDEF");

/** The letters behind the backslash, by the byte that they escape; 0 where there is none. */
const SHORT_ESCAPES = new Uint8Array(128);
for (const [byte, letter] of [[8, "b"], [9, "t"], [10, "n"], [12, "f"], [13, "r"]] as const) {
  SHORT_ESCAPES[byte] = letter.charCodeAt(0);
}
SHORT_ESCAPES[QUOTE] = QUOTE;
SHORT_ESCAPES[BACKSLASH] = BACKSLASH;

/** Small texts share memory that is allocated in pieces of this size. */
const SLAB_SIZE = 64 << 10;

let slab = new Uint8Array(0);
/** Where the free part of the slab begins. */
let slabStart = 0;

/** A JSON text under way: a growing buffer and what may be put at its end. */
export class JsonWriter {
  #target: Uint8Array<ArrayBuffer>;
  #start: number;
  /** Where the memory that is this text's own ends. */
  #limit: number;
  #end: number;

  /** An empty text; `capacity` is how many bytes to expect. */
  constructor(capacity = 256) {
    if (capacity > SLAB_SIZE / 8) {
      this.#target = new Uint8Array(capacity);
      this.#start = 0;
    } else {
      if (slabStart + capacity > slab.length) {
        slab = new Uint8Array(SLAB_SIZE);
        slabStart = 0;
      }
      this.#target = slab;
      this.#start = slabStart;
      slabStart += capacity;
    }
    this.#limit = this.#start + capacity;
    this.#end = this.#start;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Ends the text and returns it. Nothing may be put behind it. */
  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#target === slab && this.#limit === slabStart) slabStart = this.#end;
    this.#limit = this.#end;
    return this.#target.subarray(this.#start, this.#end);
  }

  /** Makes room for `size` more bytes, which go to {@link target} from the returned offset on. */
  reserve(size: number): number {
    if (this.#end + size > this.#limit) this.#grow(size);
    return this.#end;
  }

  /** What the text is written to; another after each {@link reserve}. */
  get target(): Uint8Array {
    return this.#target;
  }

  /** Takes what was written to {@link target} up to the offset `end` into the text. */
  advance(end: number): void {
    this.#end = end;
  }

  /** Puts `text`, which must be ASCII: JSON syntax, numbers, or names that need no escape. */
  raw(text: string): this {
    let at = this.reserve(text.length);
    const target = this.#target;
    for (let index = 0; index < text.length; index++) target[at++] = text.charCodeAt(index);
    this.#end = at;
    return this;
  }

  /** Puts a string value. */
  string(text: string): this {
    let at = this.reserve(text.length * 6 + 2);
    const target = this.#target;
    target[at++] = QUOTE;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        const content = encoder.encode(text);
        return this.stringBytes(content, 0, content.length);
      }
      at = putCharacter(target, at, unit);
    }
    target[at++] = QUOTE;
    this.#end = at;
    return this;
  }

  /**
   * Puts a string value of the bytes of `source` from `start` to `end`; those from 0x80 on are neither
   * checked nor changed.
   */
  stringBytes(source: Uint8Array, start: number, end: number): this {
    let at = this.reserve((end - start) * 6 + 2);
    const target = this.#target;
    target[at++] = QUOTE;
    for (let index = start; index < end; index++) at = putCharacter(target, at, source[index]);
    target[at++] = QUOTE;
    this.#end = at;
    return this;
  }

  /** Puts an integer, in full. */
  integer(value: number | bigint): this {
    if (typeof value === "bigint") return this.raw(String(value));
    const at = this.reserve(INTEGER_SIZE);
    this.#end = putInteger(this.#target, at, value);
    return this;
  }

  /** Puts a double: `1.0`, `-0.0`, `1e21`, `1e-7`, `NaN`, `-Infinity`. */
  double(value: number): this {
    const at = this.reserve(DOUBLE_SIZE);
    this.#end = putDouble(this.#target, at, value);
    return this;
  }

  /** Puts `true` or `false`. */
  boolean(value: boolean): this {
    return this.raw(value ? "true" : "false");
  }

  /** Moves the text to memory of its own, or takes more of the slab when nothing lies behind it. */
  #grow(more: number): void {
    const size = Math.max(this.length + more, this.length * 2);
    const isLast = this.#target === slab && this.#limit === slabStart;
    if (isLast && this.#start + size <= slab.length) {
      this.#limit = slabStart = this.#start + size;
      return;
    }
    const larger = new Uint8Array(size);
    larger.set(this.#target.subarray(this.#start, this.#end));
    if (isLast) slabStart = this.#start;
    this.#end = this.length;
    this.#start = 0;
    this.#target = larger;
    this.#limit = size;
  }
}

/** Puts a character of a string, with its escape if it needs one. */
function putCharacter(target: Uint8Array, at: number, byte: number): number {
  const escape = byte < 0x80 ? SHORT_ESCAPES[byte] : 0;
  if (escape !== 0) {
    target[at] = BACKSLASH;
    target[at + 1] = escape;
    return at + 2;
  }
  if (byte < 0x20) {
    target[at] = BACKSLASH;
    target[at + 1] = LETTER_U;
    target[at + 2] = 0x30;
    target[at + 3] = 0x30;
    target[at + 4] = UPPER_HEX[byte >> 4];
    target[at + 5] = UPPER_HEX[byte & 0xf];
    return at + 6;
  }
  target[at] = byte;
  return at + 1;
}
