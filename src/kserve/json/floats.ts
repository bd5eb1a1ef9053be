/**
 * Reading tensors of floating-point numbers. This is the hot loop of JSON inference.
 *
 * @module
 */
import { decimalQuotient } from "./decimal.ts";
import { notANumberError } from "./errors.ts";
import { isNumberStart, readDouble, skipNumber } from "./number.ts";
import { firstRun, keptRun, runValues } from "./number_run.ts";
import { NESTING_LIMIT, nestingError, PARSE_DATA, tooManyError } from "./tensor_errors.ts";
import type { JsonSource } from "./value.ts";

const BLANK = 0x20, COMMA = 0x2c, MINUS = 0x2d, POINT = 0x2e, ZERO = 0x30, NINE = 0x39;
const UPPER_E = 0x45, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, LETTER_E = 0x65;

/**
 * Reads the numbers of the checked array (or lone number) at `source` into `target`, from index `from` up to
 * `limit`, in order and at any depth, and returns how many there were. Runs whose values the scan has
 * kept are copied.
 *
 * Literals of up to 18 significant digits without an exponent are read by arithmetic; the few others
 * go through `Number()`.
 *
 * @throws {TritonError} INTERNAL for an element that is no number or that there is no room for;
 * INVALID_ARG when arrays are nested too deeply.
 */
export function readFloats(
  { bytes, start, end, document }: JsonSource,
  target: Float32Array | Float64Array,
  from: number,
  limit: number,
): number {
  let nextRun = firstRun(document, start);
  let run = keptRun(nextRun);
  let to = from;
  let depth = 0;
  let at = start;
  while (at < end) {
    const first = bytes[at];
    if (first === COMMA || first <= BLANK) {
      at++;
      continue;
    }
    if (first === OPEN_BRACKET) {
      depth++;
      at++;
      continue;
    }
    if (first === CLOSE_BRACKET) {
      depth--;
      at++;
      continue;
    }
    if (depth >= NESTING_LIMIT) throw nestingError(PARSE_DATA);
    if (to === limit) throw tooManyError();
    if (run !== undefined && run.start === at) {
      if (run.to - run.from <= limit - to) {
        for (let index = run.from; index < run.to; index++) target[to++] = runValues[index];
        at = run.end;
      }
      const isTaken = at === run.end;
      run = keptRun(++nextRun);
      if (isTaken) continue;
    }

    // The digits go into two integers of up to nine, which fit machine words.
    const literal = at;
    let byte = first === MINUS ? bytes[++at] : first;
    let high = 0;
    let low = 0;
    let lowDigits = 0;
    let scale = 0;
    const digits = at;
    const integerLimit = at + 9;
    while (byte >= ZERO && byte <= NINE && at < integerLimit) {
      high = (high * 10 + byte - ZERO) | 0;
      byte = bytes[++at];
    }
    const isInteger = byte !== POINT;
    if (!isInteger) {
      let room = integerLimit - at;
      const fraction = ++at;
      byte = bytes[at];
      if (high === 0) {
        room = 9;
        while (byte === ZERO) byte = bytes[++at];
      }
      const highLimit = at + room;
      while (byte >= ZERO && byte <= NINE && at < highLimit) {
        high = (high * 10 + byte - ZERO) | 0;
        byte = bytes[++at];
      }
      const lowStart = at;
      const lowLimit = at + 9;
      while (byte >= ZERO && byte <= NINE && at < lowLimit) {
        low = (low * 10 + byte - ZERO) | 0;
        byte = bytes[++at];
      }
      lowDigits = at - lowStart;
      scale = at - fraction;
    }

    let value = NaN;
    const isRead = scale <= 22 && at > digits && byte !== LETTER_E && byte !== UPPER_E &&
      (byte < ZERO || byte > NINE);
    if (isRead) {
      value = decimalQuotient(high, low, lowDigits, scale);
      // The literal `-0` is an integer, which has no negative zero.
      if (first === MINUS && !(isInteger && value === 0)) value = -value;
    }
    if (value !== value) {
      if (!isNumberStart(first)) throw notANumberError(PARSE_DATA);
      at = skipNumber(bytes, literal);
      value = readDouble(bytes, literal, at);
    }
    target[to++] = value;
  }
  return to - from;
}
