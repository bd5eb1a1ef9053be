/**
 * Writes protobuf by hand, for the messages that are sent most.
 *
 * @module
 */

/** The wire types of protobuf. */
export const WireType = { VARINT: 0, FIXED64: 1, BYTES: 2 } as const;

const encoder = new TextEncoder();

/** The bytes of `value` as a varint; `value` is an integer from 0 to 2^53. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** A buffer that grows as fields are written to it. */
export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** What was written so far. Only valid until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** An integer from 0 to 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** An int64 or uint64; negative ones take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === "number" && value >= 0) return this.varint(value);
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A string field. Proto3 leaves empty ones out. */
  string(field: number, value: string): void {
    if (value === "") return;
    this.presentString(field, value);
  }

  /** A string field that is written even when empty, as in a oneof. */
  presentString(field: number, value: string): void {
    this.nested(field, () => {
      this.#reserve(value.length * 3);
      this.#length += encoder.encodeInto(value, this.#bytes.subarray(this.#length)).written;
    });
  }

  /** A field of bytes or of a message whose content `write` adds. */
  nested(field: number, write: () => void): void {
    this.tag(field, WireType.BYTES);
    // Most contents are shorter than 128 bytes; longer ones are moved to make room for their length.
    this.#reserve(1);
    const start = ++this.#length;
    write();
    const size = this.#length - start;
    const extra = varintSize(size) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, this.#length);
    }
    this.#length = start - 1;
    this.varint(size);
    this.#length = start + extra + size;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.written);
    this.#bytes = larger;
  }
}
