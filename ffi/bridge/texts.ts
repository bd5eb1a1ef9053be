/**
 * Short texts that cross the bridge again and again: names of models and tensors. Decoding them anew each
 * time would cost more than everything else in a small record.
 *
 * @module
 */

/** Longer texts are decoded each time. */
const MAX_LENGTH = 48;
const SLOTS = 512;

const decoder = new TextDecoder();

/** Remembers the texts that it has decoded. */
export class TextCache {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => "");

  /** The UTF-8 text of `length` bytes from `start` on. */
  decode(bytes: Uint8Array, start: number, length: number): string {
    if (length === 0) return "";
    const end = start + length;
    if (length > MAX_LENGTH) return decoder.decode(bytes.subarray(start, end));
    let hash = length;
    for (let at = start; at < end; at++) hash = (hash * 31 + bytes[at]) | 0;
    const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (isSame(known, bytes, start, length)) return known;
    const text = decoder.decode(bytes.subarray(start, end));
    this.#texts[slot] = text;
    return text;
  }
}

/** Whether the bytes are those of `text`; never for texts beyond ASCII. */
function isSame(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    const byte = bytes[start + index];
    if (byte >= 0x80 || text.charCodeAt(index) !== byte) return false;
  }
  return true;
}
