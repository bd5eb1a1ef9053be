/**
 * Writing JSON as bytes in rapidjson's form: compact, integers exact to 64 bits, doubles always with a
 * fraction or an exponent, NaN and the infinities bare, strings with as few escapes as there can be.
 *
 * @module
 */
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

/** A double as rapidjson writes it. Only integers differ from what JavaScript writes. */
export function doubleText(value: number): string {
  if (!Number.isInteger(value)) return String(value);
  if (Object.is(value, -0)) return "-0.0";
  return Math.abs(value) < 1e21 ? `${value}.0` : String(value).replace("e+", "e");
}

/** A JSON text under way: a growing buffer and what may be put at its end. */
export class JsonWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** An empty text; `capacity` is how many bytes to expect. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  /** The bytes written so far, a view that further writing may invalidate. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length) as Uint8Array<ArrayBuffer>;
  }

  /** Puts `text`, which must be ASCII: JSON syntax, numbers, or names that need no escape. */
  raw(text: string): this {
    this.#reserve(text.length);
    if (text.length > 64) {
      encoder.encodeInto(text, this.#bytes.subarray(this.#length));
      this.#length += text.length;
      return this;
    }
    for (let index = 0; index < text.length; index++) {
      this.#bytes[this.#length++] = text.charCodeAt(index);
    }
    return this;
  }

  /** Puts a string value. */
  string(text: string): this {
    this.#reserve(text.length * 6 + 2);
    const start = this.#length;
    this.#bytes[this.#length++] = QUOTE;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.#length = start;
        return this.stringBytes(encoder.encode(text));
      }
      this.#put(unit);
    }
    this.#bytes[this.#length++] = QUOTE;
    return this;
  }

  /** Puts a string value of any bytes; those from 0x80 on are neither checked nor changed. */
  stringBytes(content: Uint8Array): this {
    this.#reserve(content.length * 6 + 2);
    this.#bytes[this.#length++] = QUOTE;
    for (let index = 0; index < content.length; index++) this.#put(content[index]);
    this.#bytes[this.#length++] = QUOTE;
    return this;
  }

  /** Puts an integer, in full. */
  integer(value: number | bigint): this {
    return this.raw(String(value));
  }

  /** Puts a double: `1.0`, `-0.0`, `1e21`, `1e-7`, `NaN`, `-Infinity`. */
  double(value: number): this {
    return this.raw(doubleText(value));
  }

  /** Puts `true` or `false`. */
  boolean(value: boolean): this {
    return this.raw(value ? "true" : "false");
  }

  #put(byte: number): void {
    const escape = byte < 0x80 ? SHORT_ESCAPES[byte] : 0;
    if (escape !== 0) {
      this.#bytes[this.#length++] = BACKSLASH;
      this.#bytes[this.#length++] = escape;
    } else if (byte < 0x20) {
      this.#bytes[this.#length++] = BACKSLASH;
      this.#bytes[this.#length++] = LETTER_U;
      this.#bytes[this.#length++] = 0x30;
      this.#bytes[this.#length++] = 0x30;
      this.#bytes[this.#length++] = UPPER_HEX[byte >> 4];
      this.#bytes[this.#length++] = UPPER_HEX[byte & 0xf];
    } else {
      this.#bytes[this.#length++] = byte;
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
