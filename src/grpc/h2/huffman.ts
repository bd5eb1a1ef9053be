/**
 * The Huffman code of HPACK (RFC 7541, appendix B), decoded four bits at a time.
 *
 * @module
 */

/** The bits of each byte's code. The code is canonical: the lengths say all. */
// deno-fmt-ignore
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/** The end of a string, which must not occur inside of one. */
const EOS = 256;
const EOS_LENGTH = 30;
/** Padding is at most seven ones. */
const MAX_PADDING = 7;

/** What four bits lead to from a node: bits 0-7 the next node, 8-15 a byte, and flags. */
const HAS_BYTE = 1 << 16;
const FAULT = 1 << 17;

interface Decoder {
  /** By node and four bits. */
  readonly steps: Int32Array;
  /** Whether a string may end at a node. */
  readonly ends: Uint8Array;
}

/** The codes by byte, {@link EOS} included: of the same length, in the order of the bytes. */
export function huffmanCodes(): { readonly code: number; readonly length: number }[] {
  const lengths = [...LENGTHS, EOS_LENGTH];
  const codes: { code: number; length: number }[] = [];
  let code = 0;
  for (let length = 1; length <= EOS_LENGTH; length++) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (lengths[symbol] === length) codes[symbol] = { code: code++, length };
    }
    code *= 2;
  }
  return codes;
}

let decoder: Decoder | undefined;

/** Made at the first need, so that an import costs nothing. */
function getDecoder(): Decoder {
  return decoder ??= makeDecoder();
}

function makeDecoder(): Decoder {
  // A node's two children: another node, or the complement of a symbol.
  const children: [number, number][] = [[0, 0]];
  for (const [symbol, { code, length }] of huffmanCodes().entries()) {
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = (code >> bit) & 1;
      if (children[node][side] === 0) children[node][side] = children.push([0, 0]) - 1;
      node = children[node][side];
    }
    children[node][code & 1] = ~symbol;
  }
  const steps = new Int32Array(children.length * 16);
  for (let node = 0; node < children.length; node++) {
    for (let bits = 0; bits < 16; bits++) steps[node * 16 + bits] = step(children, node, bits);
  }
  const ends = new Uint8Array(children.length);
  for (let node = 0, depth = 0; depth <= MAX_PADDING; depth++) {
    ends[node] = 1;
    node = children[node][1];
  }
  return { steps, ends };
}

function step(children: readonly [number, number][], start: number, bits: number): number {
  let node = start;
  let found = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node][(bits >> bit) & 1];
    if (child >= 0) node = child;
    else if (~child === EOS) return FAULT;
    else {
      found = HAS_BYTE | (~child << 8);
      node = 0;
    }
  }
  return found | node;
}

/** The longest string that the scratch buffer is kept for. */
const SCRATCH = 4096;
const scratch = new Uint8Array(SCRATCH);

/** The bytes from `start` to `end` decoded, a character for each byte; undefined when they are no code. */
export function huffmanText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const { steps, ends } = getDecoder();
  // The shortest code has five bits.
  const limit = Math.floor((end - start) * 8 / 5) + 1;
  const text = limit <= SCRATCH ? scratch : new Uint8Array(limit);
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    const high = steps[node * 16 + (byte >> 4)];
    if ((high & HAS_BYTE) !== 0) text[length++] = high >> 8;
    const low = steps[(high & 0xff) * 16 + (byte & 15)];
    if ((low & HAS_BYTE) !== 0) text[length++] = low >> 8;
    if (((high | low) & FAULT) !== 0) return undefined;
    node = low & 0xff;
  }
  return ends[node] === 1 ? latin1Text(text, 0, length) : undefined;
}

/** How many characters a call may have as arguments. */
const PIECE = 4096;

/** The bytes from `start` to `end`, a character for each byte. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= PIECE) {
    return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
  }
  let text = "";
  for (let at = start; at < end; at += PIECE) {
    text += latin1Text(bytes, at, Math.min(at + PIECE, end));
  }
  return text;
}
