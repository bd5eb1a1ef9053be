/**
 * Reading tensors of integers.
 *
 * @module
 */
import { typeError } from "./errors.ts";
import { isNumberStart, readInt64, readUint64, skipNumber } from "./number.ts";
import { firstRun, keptRun, type NumberRun, runValues } from "./number_run.ts";
import { NESTING_LIMIT, nestingError, PARSE_DATA, tooManyError } from "./tensor_errors.ts";
import type { JsonSource } from "./value.ts";

const BLANK = 0x20, COMMA = 0x2c, MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;
const OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;

/**
 * Reads the integers of the checked array (or lone number) at `source` into `target`, from index `from`
 * up to `limit`, in order and at any depth, and returns how many there were. Runs whose values the scan has kept are copied. They wrap to the width of `target`'s elements; with
 * `isWide` each takes two of these, the low half first.
 *
 * @throws {TritonError} INTERNAL for an element that is no integer of the wanted signedness or that
 * there is no room for; INVALID_ARG when arrays are nested too deeply.
 */
export function readIntegers(
  { bytes, start, end, document }: JsonSource,
  target: Int8Array | Int16Array | Int32Array,
  from: number,
  limit: number,
  isSigned: boolean,
  isWide: boolean,
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
      const { isIntegers, hasMinus, end: runEnd } = run;
      const size = (run.to - run.from) * (isWide ? 2 : 1);
      const isFitting = isIntegers && (isSigned || !hasMinus) && size <= limit - to;
      if (isFitting) to = copyRun(run, target, to, isWide);
      run = keptRun(++nextRun);
      if (isFitting) {
        at = runEnd;
        continue;
      }
    }

    const literal = at;
    const isNegative = first === MINUS;
    if (isNegative) at++;
    const digits = at;
    const digitLimit = at + 9;
    let value = 0;
    let byte = bytes[at];
    while (byte >= ZERO && byte <= NINE && at < digitLimit) {
      value = (value * 10 + byte - ZERO) | 0;
      byte = bytes[++at];
    }
    const isEnd = byte === COMMA || byte === CLOSE_BRACKET || byte <= BLANK || at === end;
    if (isEnd && at > digits && (isSigned || !isNegative)) {
      if (isNegative) value = -value | 0;
      target[to++] = value;
      if (isWide) target[to++] = value >> 31;
      continue;
    }
    at = skipNumber(bytes, literal);
    const large = BigInt(integerAt(bytes, literal, at, isSigned));
    target[to++] = Number(BigInt.asIntN(32, large));
    if (isWide) target[to++] = Number(BigInt.asIntN(32, large >> 32n));
  }
  return isWide ? (to - from) / 2 : to - from;
}

/** Puts the integers of `run` to `target` from `to` on, and returns the index behind them. */
function copyRun(
  run: Readonly<NumberRun>,
  target: Int8Array | Int16Array | Int32Array,
  to: number,
  isWide: boolean,
): number {
  for (let index = run.from; index < run.to; index++) {
    const value = runValues[index];
    target[to++] = value;
    if (isWide) target[to++] = Math.floor(value / 0x1_0000_0000);
  }
  return to;
}

/** The integer between `start` and `end`, whatever its length. */
function integerAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  isSigned: boolean,
): number | bigint {
  const isNumber = isNumberStart(bytes[start]);
  const read = isSigned ? readInt64 : readUint64;
  const value = isNumber ? read(bytes, start, end) : undefined;
  if (value === undefined) {
    throw typeError(isSigned ? "signed-integer" : "unsigned-integer", PARSE_DATA);
  }
  return value;
}
