/**
 * JSON numbers in rapidjson's reading: integers are those literals without `.` and exponent that fit
 * 64 bits, everything else is a double, and NaN, Inf and Infinity are numbers.
 *
 * @module
 */
import { syntaxError, SyntaxText } from "./errors.ts";

const MINUS = 0x2d, PLUS = 0x2b, POINT = 0x2e, ZERO = 0x30, NINE = 0x39;
const LETTER_E = 0x65, UPPER_E = 0x45, UPPER_N = 0x4e, UPPER_I = 0x49;

const INT64_MIN = -(2n ** 63n), INT64_MAX = 2n ** 63n - 1n, UINT64_MAX = 2n ** 64n - 1n;

/** Literals of up to this many characters are integers that a JavaScript number holds exactly. */
const EXACT_DIGITS = 15;

/** Whether a value that begins with `byte` is a number. */
export function isNumberStart(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === MINUS || byte === UPPER_N || byte === UPPER_I;
}

/**
 * The offset behind the number literal that begins at `start`.
 *
 * @throws {TritonError} INTERNAL with rapidjson's text and offset when the literal is malformed or too
 * large for a double.
 */
export function endOfNumber(bytes: Uint8Array, start: number): number {
  const length = bytes.length;
  let at = start;
  if (bytes[at] === MINUS) at++;
  const digits = at;
  let byte = at < length ? bytes[at] : 0;
  if (byte === ZERO) {
    at++;
  } else if (byte > ZERO && byte <= NINE) {
    do at++; while (at < length && isDigit(bytes[at]));
    if (at - digits > 300) refuseInfinite(bytes, start, at);
  } else {
    return endOfName(bytes, at);
  }
  byte = at < length ? bytes[at] : 0;
  let point = -1;
  if (byte === POINT) {
    point = at++;
    if (at >= length || !isDigit(bytes[at])) throw syntaxError(SyntaxText.MISSING_FRACTION, at);
    do at++; while (at < length && isDigit(bytes[at]));
    byte = at < length ? bytes[at] : 0;
  }
  if (byte === LETTER_E || byte === UPPER_E) {
    const significand = at++;
    const isNegative = bytes[at] === MINUS;
    if (isNegative || bytes[at] === PLUS) at++;
    if (at >= length || !isDigit(bytes[at])) throw syntaxError(SyntaxText.MISSING_EXPONENT, at);
    const exponent = at;
    do at++; while (at < length && isDigit(bytes[at]));
    if (!isNegative) refuseExponent(bytes, start, digits, point, significand, exponent, at);
  }
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** The offset behind `NaN`, `Inf` or `Infinity`, the only words that may stand for a number. */
function endOfName(bytes: Uint8Array, at: number): number {
  const isNaN = bytes[at] === UPPER_N;
  if (!isNaN && bytes[at] !== UPPER_I) throw syntaxError(SyntaxText.VALUE_INVALID, at);
  at = endOfWord(bytes, at, isNaN ? "NaN" : "Inf");
  return !isNaN && bytes[at] === 0x69 ? endOfWord(bytes, at, "inity") : at;
}

function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let index = 0; index < word.length; index++, at++) {
    if (bytes[at] !== word.charCodeAt(index)) throw syntaxError(SyntaxText.VALUE_INVALID, at);
  }
  return at;
}

/**
 * Refuses a positive exponent that rapidjson takes for too large: more than 308 beyond the fraction
 * digits that it keeps (of the first 17 significant ones), whatever the significand is.
 */
function refuseExponent(
  bytes: Uint8Array,
  start: number,
  digits: number,
  point: number,
  significand: number,
  exponent: number,
  end: number,
): void {
  let significant = 0;
  let kept = 0;
  for (let at = digits; at < significand; at++) {
    if (at === point) continue;
    if (point >= 0 && at > point) {
      if (significant >= 17) break;
      kept++;
    }
    if (significant > 0 || bytes[at] !== ZERO) significant++;
  }
  if (Number(literal(bytes, exponent, end)) > 308 + kept) {
    throw syntaxError(SyntaxText.NUMBER_TOO_BIG, start);
  }
}

/** Refuses so many digits that the number is infinite. (With an exponent it just becomes so.) */
function refuseInfinite(bytes: Uint8Array, start: number, end: number): void {
  if (!Number.isFinite(Number(literal(bytes, start, end)))) {
    throw syntaxError(SyntaxText.NUMBER_TOO_BIG, start);
  }
}

/** The characters of a literal, all of them ASCII. */
function literal(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

/** The offset behind the checked number that begins at `at`. */
export function skipNumber(bytes: Uint8Array, at: number): number {
  // Digits, signs, `.`, and the letters of exponents and of Infinity: whatever is no delimiter.
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte <= 0x20 || byte === 0x2c || byte === 0x5d || byte === 0x7d) break;
    at++;
  }
  return at;
}

/** Whether the checked literal has no fraction, no exponent and is no word. */
function isIntegerLiteral(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (!isDigit(byte) && byte !== MINUS) return false;
  }
  return true;
}

/** The integer of a checked literal; undefined when it is none, or is beyond `min` and `max`. */
function integer(
  bytes: Uint8Array,
  start: number,
  end: number,
  min: bigint,
  max: bigint,
): number | bigint | undefined {
  if (!isIntegerLiteral(bytes, start, end)) return undefined;
  if (end - start <= EXACT_DIGITS) {
    const value = Number(literal(bytes, start, end)) + 0;
    return value < 0 && min === 0n ? undefined : value;
  }
  const value = BigInt(literal(bytes, start, end));
  if (value < min || value > max) return undefined;
  return value;
}

/** The value of a checked literal that is a signed 64-bit integer, else undefined. */
export function readInt64(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | bigint | undefined {
  return integer(bytes, start, end, INT64_MIN, INT64_MAX);
}

/** The value of a checked literal that is an unsigned 64-bit integer, else undefined. */
export function readUint64(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | bigint | undefined {
  return integer(bytes, start, end, 0n, UINT64_MAX);
}

/** The value of a checked literal as a double, correctly rounded. */
export function readDouble(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = bytes[isNegative ? start + 1 : start];
  if (first === UPPER_N) return NaN;
  if (first === UPPER_I) return isNegative ? -Infinity : Infinity;
  const value = Number(literal(bytes, start, end));
  // `-0` is the integer 0 to rapidjson, which has no negative zero among its integers.
  return value === 0 && isIntegerLiteral(bytes, start, end) ? 0 : value;
}
