/**
 * JSON strings: finding their end with all of rapidjson's checks, and decoding them to bytes. Bytes
 * from 0x80 on are neither checked nor changed, because BYTES tensors may carry any.
 *
 * @module
 */
import { syntaxError, SyntaxText } from "./errors.ts";

const QUOTE = 0x22, BACKSLASH = 0x5c, BLANK = 0x20, LETTER_U = 0x75;

/** What the character behind a backslash stands for; 0 for those that are no escape. */
const ESCAPES = new Uint8Array(256);
for (
  const [letter, byte] of Object.entries({
    '"': 34,
    "\\": 92,
    "/": 47,
    b: 8,
    f: 12,
    n: 10,
    r: 13,
    t: 9,
  })
) {
  ESCAPES[letter.charCodeAt(0)] = byte;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The offset behind the string whose opening quote is at `start`.
 *
 * @throws {TritonError} INTERNAL with rapidjson's text and offset when the string is malformed.
 */
export function endOfString(bytes: Uint8Array, start: number): number {
  const length = bytes.length;
  let at = start + 1;
  while (at < length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      at = endOfEscape(bytes, at);
    } else if (byte < BLANK) {
      throw syntaxError(byte === 0 ? SyntaxText.MISSING_QUOTE : SyntaxText.ESCAPE_INVALID, at);
    } else {
      at++;
    }
  }
  throw syntaxError(SyntaxText.MISSING_QUOTE, at);
}

/** The offset behind the escape whose backslash is at `at`. */
function endOfEscape(bytes: Uint8Array, at: number): number {
  const letter = at + 1 < bytes.length ? bytes[at + 1] : 0;
  if (letter !== LETTER_U) {
    if (ESCAPES[letter] === 0) throw syntaxError(SyntaxText.ESCAPE_INVALID, at);
    return at + 2;
  }
  const unit = hexAt(bytes, at + 2);
  if (unit < 0) throw syntaxError(SyntaxText.HEX_INVALID, at);
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  if (bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== LETTER_U) {
    throw syntaxError(SyntaxText.SURROGATE_INVALID, at);
  }
  const low = hexAt(bytes, at + 8);
  if (low < 0) throw syntaxError(SyntaxText.HEX_INVALID, at);
  if (low < 0xdc00 || low > 0xdfff) throw syntaxError(SyntaxText.SURROGATE_INVALID, at);
  return at + 12;
}

/** The number that the four hex digits at `at` write; -1 if they are not four hex digits. */
function hexAt(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) return -1;
  let unit = 0;
  for (let index = 0; index < 4; index++) {
    const byte = bytes[at + index];
    const letter = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) unit = unit * 16 + byte - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57;
    else return -1;
  }
  return unit;
}

/**
 * Writes the content of a checked string to `target` from `to` on and returns the offset behind it.
 * It is never longer than its JSON form without the quotes.
 */
export function copyString(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  to: number,
): number {
  const last = end - 1;
  let at = start + 1;
  const escape = nextEscape(bytes, at, last);
  if (escape === last && last - at > 64) {
    target.set(bytes.subarray(at, last), to);
    return to + last - at;
  }
  while (at < last) {
    const byte = bytes[at];
    if (byte !== BACKSLASH) {
      target[to++] = byte;
      at++;
    } else if (bytes[at + 1] !== LETTER_U) {
      target[to++] = ESCAPES[bytes[at + 1]];
      at += 2;
    } else {
      let point = hexAt(bytes, at + 2);
      at += 6;
      if (point >= 0xd800 && point <= 0xdbff) {
        point = 0x10000 + ((point - 0xd800) << 10) + hexAt(bytes, at + 2) - 0xdc00;
        at += 6;
      }
      to = putUtf8(target, to, point);
    }
  }
  return to;
}

function nextEscape(bytes: Uint8Array, at: number, last: number): number {
  while (at < last && bytes[at] !== BACKSLASH) at++;
  return at;
}

/** Writes `point` as UTF-8; a lone low surrogate becomes three bytes, as rapidjson has it. */
function putUtf8(target: Uint8Array, to: number, point: number): number {
  if (point < 0x80) {
    target[to++] = point;
  } else if (point < 0x800) {
    target[to++] = 0xc0 | (point >> 6);
    target[to++] = 0x80 | (point & 0x3f);
  } else if (point < 0x10000) {
    target[to++] = 0xe0 | (point >> 12);
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
    target[to++] = 0x80 | (point & 0x3f);
  } else {
    target[to++] = 0xf0 | (point >> 18);
    target[to++] = 0x80 | ((point >> 12) & 0x3f);
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
    target[to++] = 0x80 | (point & 0x3f);
  }
  return to;
}

/** The bytes of the checked string from `start` (its opening quote) to `end` (behind the closing one). */
export function stringBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (nextEscape(bytes, start + 1, end - 1) === end - 1) return bytes.subarray(start + 1, end - 1);
  const content = new Uint8Array(end - start - 2);
  return content.subarray(0, copyString(bytes, start, end, content, 0));
}

/** Texts of up to this many characters are looked up among the recent ones. */
const SHORT = 32;

/**
 * Short texts that were read, by a hash of their characters: clients send the same names again and
 * again, and a text that is known need not be made and hashed anew.
 */
const recentTexts: string[] = new Array(256).fill("");

/** The text of a checked string; bytes that are no UTF-8 become U+FFFD. */
export function stringText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start - 2 > SHORT) return decoder.decode(stringBytes(bytes, start, end));
  let hash = 0;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at];
    if (byte >= 0x80 || byte === BACKSLASH) return decoder.decode(stringBytes(bytes, start, end));
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = (hash ^ (hash >>> 8)) & 0xff;
  const recent = recentTexts[slot];
  if (isPlainText(bytes, start + 1, end - 1, recent)) return recent;
  let text = "";
  for (let at = start + 1; at < end - 1; at++) text += String.fromCharCode(bytes[at]);
  recentTexts[slot] = text;
  return text;
}

/** Whether the bytes from `start` to `end` are the characters of `text`. */
function isPlainText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether the checked string from `start` to `end` says `text`, which must be ASCII. */
export function isStringText(
  bytes: Uint8Array,
  start: number,
  end: number,
  text: string,
): boolean {
  const length = end - start - 2;
  if (length < text.length) return false;
  for (let index = 0; index < length; index++) {
    const byte = bytes[start + 1 + index];
    if (byte === BACKSLASH) return stringText(bytes, start, end) === text;
    if (byte !== text.charCodeAt(index)) return false;
  }
  return length === text.length;
}

/** The offset behind the checked string whose opening quote is at `start`. */
export function skipString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}
