/**
 * Runs of numbers, which is what tensors are: the first pass reads their values while it checks them,
 * and keeps them for the second pass, so that long arrays are gone through once.
 *
 * @module
 */
import { decimalQuotient, POWERS } from "./decimal.ts";
import { endOfNumber, isNumberStart, readDouble } from "./number.ts";

const BLANK = 0x20, COMMA = 0x2c, MINUS = 0x2d, POINT = 0x2e, ZERO = 0x30, NINE = 0x39;
const UPPER_E = 0x45, LETTER_E = 0x65;

/** So many values are kept of a document, in so many runs. Further ones are read again. */
const VALUES = 1 << 16, RUNS = 1 << 10;
/** Shorter runs are not worth keeping. */
const MIN_RUN = 4;

/** The values of the runs that the last scan kept, one behind the other. */
export const runValues: Float64Array = new Float64Array(VALUES);

/** A run whose values were kept. */
export interface NumberRun {
  /** The offset of its first literal. */
  start: number;
  /** The offset behind its last literal. */
  end: number;
  /** Where in {@link runValues} its values begin. */
  from: number;
  /** Where they end. */
  to: number;
  /** Whether all of them are literals of integers below 10^15. */
  isIntegers: boolean;
  /** Whether there may be a sign. */
  hasMinus: boolean;
}

/** The runs that the last scan kept, in order; those from `runCount` on are left from earlier ones. */
const runs: NumberRun[] = [];
let runCount = 0;
/** The number of the last scan. */
let serial = 0;

/** Forgets all runs. The result identifies the document that is scanned next. */
export function forgetRuns(): number {
  runCount = 0;
  return ++serial;
}

/** The first kept run of document `document` that begins at or behind `at`. */
export function firstRun(document: number, at: number): number {
  if (document !== serial) return RUNS;
  let low = 0;
  let high = runCount;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[middle].start < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The kept run of that index, if there are so many. */
export function keptRun(index: number): Readonly<NumberRun> | undefined {
  return index < runCount ? runs[index] : undefined;
}

/** What {@link numberRun} found: one object for all, because there is a run in every small array. */
const found = { end: 0, separators: 0 };

/**
 * The numbers from `at` on that are separated by a comma, or a comma and a blank: where the last one
 * ends, and how many separators were passed. The result is overwritten by the next call.
 *
 * Literals of up to 18 significant digits without an exponent are read by arithmetic; the few others
 * go through `Number()`.
 *
 * @throws {TritonError} INTERNAL as {@link endOfNumber}.
 */
export function numberRun(
  bytes: Uint8Array,
  at: number,
): { readonly end: number; readonly separators: number } {
  const start = at;
  const from = runCount === 0 ? 0 : runs[runCount - 1].to;
  let limit = runCount < RUNS ? VALUES : from;
  let to = from;
  let keptEnd = at;
  let isIntegers = true;
  let hasMinus = false;
  let separators = 0;
  let byte = bytes[at];
  for (;;) {
    const literal = at;
    const isNegative = byte === MINUS;
    if (isNegative) {
      byte = bytes[++at];
      hasMinus = true;
    }
    // The digits go into two integers of up to nine, which fit machine words.
    let high = 0;
    let low = 0;
    let lowDigits = 0;
    let scale = 0;
    const digits = at;
    const integerLimit = at + 9;
    if (byte === ZERO) {
      byte = bytes[++at];
    } else {
      while (byte >= ZERO && byte <= NINE && at < integerLimit) {
        high = (high * 10 + byte - ZERO) | 0;
        byte = bytes[++at];
      }
    }
    let isRead = at > digits;
    const isInteger = byte !== POINT;
    if (isInteger) {
      if (byte >= ZERO && byte <= NINE && at === integerLimit) {
        const lowLimit = at + 6;
        do {
          low = (low * 10 + byte - ZERO) | 0;
          byte = bytes[++at];
        } while (byte >= ZERO && byte <= NINE && at < lowLimit);
        lowDigits = at - integerLimit;
        isRead = byte !== POINT;
      }
    } else {
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
      if (byte >= ZERO && byte <= NINE) {
        const lowStart = at;
        const lowLimit = at + 9;
        do {
          low = (low * 10 + byte - ZERO) | 0;
          byte = bytes[++at];
        } while (byte >= ZERO && byte <= NINE && at < lowLimit);
        lowDigits = at - lowStart;
      }
      scale = at - fraction;
      isRead &&= scale > 0 && scale <= 22;
      isIntegers = false;
    }

    let value = NaN;
    // A zero in front ends a literal, and what comes then is the caller's to refuse.
    if (
      isRead && byte !== LETTER_E && byte !== UPPER_E &&
      (!(byte >= ZERO && byte <= NINE) || bytes[digits] === ZERO && isInteger)
    ) {
      value = lowDigits === 0 ? high / POWERS[scale] : decimalQuotient(high, low, lowDigits, scale);
      // The literal `-0` is an integer, which has no negative zero.
      if (isNegative && !(isInteger && value === 0)) value = -value;
    }
    if (value !== value) {
      // Integers too long for a double are left to their reader.
      if (isInteger && byte >= ZERO && byte <= NINE) limit = to;
      at = endOfNumber(bytes, literal);
      byte = bytes[at];
      isIntegers &&= to === limit;
      if (to < limit) value = readDouble(bytes, literal, at);
    }
    if (to < limit) {
      runValues[to++] = value;
      keptEnd = at;
    }
    if (byte !== COMMA) break;
    const next = bytes[at + 1] === BLANK ? at + 2 : at + 1;
    byte = bytes[next];
    if (!isNumberStart(byte)) break;
    separators++;
    at = next;
  }
  if (to - from >= MIN_RUN) keep(start, keptEnd, from, to, isIntegers, hasMinus);
  found.end = at;
  found.separators = separators;
  return found;
}

function keep(
  start: number,
  end: number,
  from: number,
  to: number,
  isIntegers: boolean,
  hasMinus: boolean,
): void {
  if (runCount === runs.length) runs.push({ start, end, from, to, isIntegers, hasMinus });
  const run = runs[runCount++];
  run.start = start;
  run.end = end;
  run.from = from;
  run.to = to;
  run.isIntegers = isIntegers;
  run.hasMinus = hasMinus;
}
