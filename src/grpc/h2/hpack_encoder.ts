/**
 * Writes header blocks without a dynamic table: what is sent most is encoded once and kept.
 *
 * @module
 */
import type { Fields } from "../transport.ts";
import { STATIC_COUNT, STATIC_TABLE } from "./header_table.ts";

/** By identity: the header fields of most responses are constants of the gRPC layer. */
const blocks = new WeakMap<Fields, Uint8Array>();

/** The header block of `fields`, which must not change after this. */
export function headerBlock(fields: Fields): Uint8Array {
  let block = blocks.get(fields);
  if (block === undefined) blocks.set(fields, block = encode(fields));
  return block;
}

function encode(fields: Fields): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const exact = indexOf(name, value);
    if (exact > 0) {
      writeInteger(bytes, 0x80, 0x7f, exact);
      continue;
    }
    const index = indexOf(name);
    writeInteger(bytes, 0, 0x0f, index);
    if (index === 0) writeText(bytes, name);
    writeText(bytes, value);
  }
  return Uint8Array.from(bytes);
}

/** The index of a field in the static table, or of its name alone; 0 when there is none. */
function indexOf(name: string, value?: string): number {
  for (let index = 1; index <= STATIC_COUNT; index++) {
    if (STATIC_TABLE[index * 2 - 2] !== name) continue;
    if (value === undefined || STATIC_TABLE[index * 2 - 1] === value) return index;
  }
  return 0;
}

function writeInteger(bytes: number[], pattern: number, mask: number, value: number): void {
  if (value < mask) {
    bytes.push(pattern | value);
    return;
  }
  bytes.push(pattern | mask);
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
}

/** Without Huffman's code, which costs more than the bytes that it saves. */
function writeText(bytes: number[], text: string): void {
  writeInteger(bytes, 0, 0x7f, text.length);
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i) & 0xff);
}
