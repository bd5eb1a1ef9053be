/**
 * Reads protobuf by hand, for the messages that come most.
 *
 * @module
 */

/** The wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** How deep groups that nobody knows may lie in each other. */
const MAX_DEPTH = 100;

/** Up to this length decoding by hand is faster. */
const SHORT = 64;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Thrown for what is no protobuf. */
export class ProtoError extends Error {}

/** A message, or a part of one, field by field. */
export class ProtoReader {
  /** The field that {@link next} found. */
  field = 0;
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  #type = 0;

  /** Reads `bytes`; contents of {@link bytes} are views of them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint32();
    this.field = tag >>> 3;
    this.#type = tag & 7;
    if (this.field === 0) throw new ProtoError("field 0");
    return true;
  }

  /** Whether the field is a varint, as its declaration says; if not, it is skipped as unknown. */
  isVarint(): boolean {
    return this.#is(VARINT);
  }

  /** Likewise for strings, bytes, messages and packed numbers. */
  isBytes(): boolean {
    return this.#is(BYTES);
  }

  /** Likewise for doubles. */
  isFixed64(): boolean {
    return this.#is(FIXED64);
  }

  /** Whether a repeated number comes packed; if neither that nor a varint, it is skipped. */
  isPacked(): boolean | undefined {
    if (this.#type === BYTES) return true;
    return this.#is(VARINT) ? false : undefined;
  }

  /** Goes over the field. */
  skip(): void {
    this.#skip(this.field, this.#type, 0);
  }

  /** Reads what lies within a field of bytes by `read`, field by field. */
  nested(read: (reader: ProtoReader) => void): void {
    const outer = this.#end;
    this.#end = this.#length();
    const inner = this.#end;
    read(this);
    if (this.#at !== inner) throw new ProtoError("message not read to its end");
    this.#end = outer;
  }

  /** Whether there is more of what is {@link nested}. */
  get hasMore(): boolean {
    return this.#at < this.#end;
  }

  bytes(): Uint8Array {
    const end = this.#length();
    const start = this.#at;
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }

  /** Throws for what is not UTF-8. */
  string(): string {
    const end = this.#length();
    const start = this.#at;
    this.#at = end;
    if (end - start > SHORT) return this.#decode(start, end);
    let text = "";
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at];
      if (byte >= 0x80) return this.#decode(start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  bool(): boolean {
    return this.uint64() !== 0n;
  }

  double(): number {
    const { buffer, byteOffset } = this.#bytes;
    const at = this.#at;
    this.#advance(8);
    return new DataView(buffer).getFloat64(byteOffset + at, true);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  uint64(): bigint {
    const small = this.#smallVarint();
    if (small !== undefined) return BigInt(small);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtoError("varint too long");
  }

  /** An int64, as a number where that is exact. */
  dimension(): number | bigint {
    return this.#smallVarint() ?? this.int64();
  }

  #is(type: number): boolean {
    if (this.#type === type) return true;
    this.skip();
    return false;
  }

  /** A varint of at most four bytes; undefined, and nothing is read, for a longer one. */
  #smallVarint(): number | undefined {
    const bytes = this.#bytes;
    let value = 0;
    const stop = Math.min(this.#at + 4, this.#end);
    for (let at = this.#at, shift = 0; at < stop; at++, shift += 7) {
      value |= (bytes[at] & 0x7f) << shift;
      if (bytes[at] >= 0x80) continue;
      this.#at = at + 1;
      return value;
    }
    return undefined;
  }

  /** A tag or length: what is over 32 bits is cut off, as protobuf does. */
  #varint32(): number {
    return this.#smallVarint() ?? Number(BigInt.asUintN(32, this.uint64()));
  }

  /** Reads a length and returns where the content ends. */
  #length(): number {
    const length = this.#varint32();
    if (length > this.#end - this.#at) throw new ProtoError("cut off");
    return this.#at + length;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new ProtoError("cut off");
    return this.#bytes[this.#at++];
  }

  #advance(size: number): void {
    if (size > this.#end - this.#at) throw new ProtoError("cut off");
    this.#at += size;
  }

  #decode(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  #skip(field: number, type: number, depth: number): void {
    if (type === VARINT) this.uint64();
    else if (type === FIXED64) this.#advance(8);
    else if (type === FIXED32) this.#advance(4);
    else if (type === BYTES) this.#at = this.#length();
    else if (type === GROUP && depth < MAX_DEPTH) this.#skipGroup(field, depth);
    else throw new ProtoError(`wire type ${type}`);
  }

  #skipGroup(field: number, depth: number): void {
    for (;;) {
      const tag = this.#varint32();
      const type = tag & 7;
      if (type === GROUP_END) {
        if (tag >>> 3 === field) return;
        throw new ProtoError("group without an end");
      }
      if (tag >>> 3 === 0) throw new ProtoError("field 0");
      this.#skip(tag >>> 3, type, depth + 1);
    }
  }
}
