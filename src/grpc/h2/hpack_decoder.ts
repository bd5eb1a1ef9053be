/**
 * Reads header blocks (HPACK, RFC 7541).
 *
 * @module
 */
import { ConnectionError, ErrorCode } from "./frames.ts";
import {
  DynamicTable,
  ENTRY_OVERHEAD,
  MAX_TABLE_SIZE,
  STATIC_COUNT,
  STATIC_TABLE,
} from "./header_table.ts";
import { huffmanText, latin1Text } from "./huffman.ts";

/** The decoder of one connection. */
export class HpackDecoder {
  readonly #table = new DynamicTable();
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** Changes whenever the same bytes might mean something else than before. */
  get version(): number {
    return this.#table.version;
  }

  /**
   * The names and values in turn of the block from `start` to `end`; undefined when they count more
   * than `limit`, each with 32 bytes on top. The block is read to its end in any case.
   *
   * @throws {ConnectionError} COMPRESSION_ERROR when it is no header block.
   */
  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
  ): string[] | undefined {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#readSizeUpdates();
    const fields: string[] = [];
    let size = 0;
    while (this.#at < end) {
      this.#readField(fields);
      const last = fields.length - 2;
      size += fields[last].length + fields[last + 1].length + ENTRY_OVERHEAD;
      // What is too much is not kept, but the table still has to follow.
      if (size > limit) fields.length = 0;
    }
    return size > limit ? undefined : fields;
  }

  #readSizeUpdates(): void {
    while (this.#at < this.#end && (this.#bytes[this.#at] & 0xe0) === 0x20) {
      const size = this.#readInteger(0x1f);
      if (size > MAX_TABLE_SIZE) throw fault("table size over the limit");
      this.#table.resize(size);
    }
  }

  #readField(fields: string[]): void {
    const first = this.#bytes[this.#at];
    if ((first & 0x80) !== 0) {
      const index = this.#readInteger(0x7f);
      fields.push(this.#name(index), this.#value(index));
      return;
    }
    if ((first & 0xe0) === 0x20) throw fault("table size update after a field");
    const isAdded = (first & 0x40) !== 0;
    const index = this.#readInteger(isAdded ? 0x3f : 0x0f);
    const name = index === 0 ? this.#readText() : this.#name(index);
    const value = this.#readText();
    if (isAdded) this.#table.add(name, value);
    fields.push(name, value);
  }

  #name(index: number): string {
    if (index > STATIC_COUNT && index <= STATIC_COUNT + this.#table.count) {
      return this.#table.name(index - STATIC_COUNT - 1);
    }
    if (index === 0 || index > STATIC_COUNT) throw fault("index out of range");
    return STATIC_TABLE[index * 2 - 2];
  }

  /** After `#name()` has checked the index. */
  #value(index: number): string {
    return index > STATIC_COUNT
      ? this.#table.value(index - STATIC_COUNT - 1)
      : STATIC_TABLE[index * 2 - 1];
  }

  /** An integer whose first bits are those of `mask`; at most four bytes follow. */
  #readInteger(mask: number): number {
    let value = this.#bytes[this.#at++] & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw fault("integer cut off");
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw fault("integer too large");
  }

  #readText(): string {
    if (this.#at >= this.#end) throw fault("string missing");
    const isHuffman = this.#bytes[this.#at] >= 0x80;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) throw fault("string cut off");
    if (!isHuffman) return latin1Text(this.#bytes, start, this.#at);
    const text = huffmanText(this.#bytes, start, this.#at);
    if (text === undefined) throw fault("string is not in Huffman code");
    return text;
  }
}

function fault(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, message);
}
