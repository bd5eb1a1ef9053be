/**
 * The first pass over a JSON document: checks the whole syntax as rapidjson does, byte by byte, and
 * notes where each array and object ends. No value is built; the second pass reads those it needs
 * straight from the bytes.
 *
 * The pass keeps its own stack, so that nesting is limited by memory alone, and follows rapidjson's
 * iterative parser in which error it reports where.
 *
 * @module
 */
import { syntaxError, SyntaxText } from "./errors.ts";
import { endOfNumber, isNumberStart } from "./number.ts";
import { forgetRuns, numberRun } from "./number_run.ts";
import { endOfString } from "./string.ts";

/**
 * Where the arrays and objects of a document end. They are numbered in the order in which they open;
 * scalars have no entry.
 */
export interface Structure {
  /** Where the root value begins. */
  readonly root: number;
  /** Identifies the scan to the keeper of its runs of numbers. */
  readonly document: number;
  /**
   * A row for each container: the offset of its closing bracket ({@link CLOSE_AT}), the number of the
   * first container that opens after it ({@link NEXT}), and the elements or members that it holds
   * directly ({@link COUNT}).
   */
  readonly rows: ArrayLike<number>;
}

/** The columns of {@link Structure.rows}, and how many there are. */
export const CLOSE_AT = 0, NEXT = 1, COUNT = 2, COLUMNS = 3;

const TAB = 0x09, NEWLINE = 0x0a, RETURN = 0x0d, BLANK = 0x20;
const QUOTE = 0x22, COMMA = 0x2c, COLON = 0x3a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d;

/** The offset of the first byte from `at` that is no JSON white space. */
export function skipBlanks(bytes: Uint8Array, at: number): number {
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte > BLANK || (byte !== BLANK && byte !== NEWLINE && byte !== RETURN && byte !== TAB)) {
      return at;
    }
    at++;
  }
  return at;
}

/** The byte at `at`; 0 behind the end, because a NUL byte ends a document as its end does. */
function byteAt(bytes: Uint8Array, at: number): number {
  return at < bytes.length ? bytes[at] : 0;
}

/** The offset behind `word`, whose first byte at `at` is known to match. */
function endOfWord(bytes: Uint8Array, at: number, word: string): number {
  for (let index = 1; index < word.length; index++) {
    if (byteAt(bytes, at + index) !== word.charCodeAt(index)) {
      throw syntaxError(SyntaxText.VALUE_INVALID, at + index);
    }
  }
  return at + word.length;
}

/** Reads a member name and its colon; the offset of the member's value. */
function endOfName(bytes: Uint8Array, at: number): number {
  if (byteAt(bytes, at) !== QUOTE) throw syntaxError(SyntaxText.MISSING_NAME, at);
  at = skipBlanks(bytes, endOfString(bytes, at));
  if (byteAt(bytes, at) !== COLON) throw syntaxError(SyntaxText.MISSING_COLON, at);
  return skipBlanks(bytes, at + 1);
}

/** Documents of up to so many containers get their rows as a plain array, which is made faster. */
const SMALL = 32;

/** The rows of the document that is being scanned. */
let work = new Uint32Array(256 * COLUMNS);

function makeRoom(size: number): void {
  if (size * COLUMNS < work.length) return;
  const larger = new Uint32Array(work.length * 4);
  larger.set(work);
  work = larger;
}

/** Takes the rows of `size` containers out of the work space, which does not stay large. */
function takeRows(size: number): ArrayLike<number> {
  if (size > SMALL) {
    const rows = work.slice(0, size * COLUMNS);
    if (work.length > 1 << 16) work = new Uint32Array(256 * COLUMNS);
    return rows;
  }
  const rows: number[] = [];
  for (let index = 0; index < size * COLUMNS; index++) rows.push(work[index]);
  return rows;
}

/**
 * Checks the document in `bytes` and finds its structure.
 *
 * @throws {TritonError} INTERNAL with rapidjson's text and offset when the document is malformed.
 */
export function scan(bytes: Uint8Array): Structure {
  // A byte order mark in front is skipped, and, as rapidjson does, the beginning of one too.
  let start = 0;
  while (start < BYTE_ORDER_MARK.length && bytes[start] === BYTE_ORDER_MARK[start]) start++;
  const root = skipBlanks(bytes, start);
  const first = byteAt(bytes, root);
  // The iterative parser takes a stray delimiter at the start for an empty document.
  if (
    first === 0 || first === CLOSE_BRACE || first === CLOSE_BRACKET || first === COMMA ||
    first === COLON
  ) throw syntaxError(SyntaxText.EMPTY, root);

  const document = forgetRuns();
  let size = 0;
  // Open containers, innermost last: the container's number doubled, plus one for an object.
  const open: number[] = [];
  let at = root;
  value: for (;;) {
    const byte = byteAt(bytes, at);
    if (isNumberStart(byte)) {
      if (open.length > 0 && (open[open.length - 1] & 1) === 0) {
        const run = numberRun(bytes, at);
        work[(open[open.length - 1] >>> 1) * COLUMNS + COUNT] += run.separators;
        at = run.end;
      } else {
        at = endOfNumber(bytes, at);
      }
    } else if (byte === QUOTE) {
      at = endOfString(bytes, at);
    } else if (byte === OPEN_BRACE) {
      const container = size++;
      makeRoom(size);
      work[container * COLUMNS + COUNT] = 0;
      at = skipBlanks(bytes, at + 1);
      if (byteAt(bytes, at) !== CLOSE_BRACE) {
        open.push(container * 2 + 1);
        at = endOfName(bytes, at);
        continue;
      }
      work[container * COLUMNS + CLOSE_AT] = at++;
      work[container * COLUMNS + NEXT] = size;
    } else if (byte === OPEN_BRACKET) {
      const container = size++;
      makeRoom(size);
      work[container * COLUMNS + COUNT] = 0;
      at = skipBlanks(bytes, at + 1);
      if (byteAt(bytes, at) !== CLOSE_BRACKET) {
        open.push(container * 2);
        continue;
      }
      work[container * COLUMNS + CLOSE_AT] = at++;
      work[container * COLUMNS + NEXT] = size;
    } else if (byte === 0x74) {
      at = endOfWord(bytes, at, "true");
    } else if (byte === 0x66) {
      at = endOfWord(bytes, at, "false");
    } else if (byte === 0x6e) {
      at = endOfWord(bytes, at, "null");
    } else {
      throw syntaxError(SyntaxText.VALUE_INVALID, at);
    }

    // A value has ended: go on in the container it lies in, and close those that end with it.
    for (;;) {
      at = skipBlanks(bytes, at);
      const next = byteAt(bytes, at);
      if (open.length === 0) {
        if (next !== 0) throw syntaxError(SyntaxText.ROOT_NOT_SINGULAR, at);
        return { root, document, rows: takeRows(size) };
      }
      const innermost = open[open.length - 1];
      const container = innermost >>> 1;
      const isObject = (innermost & 1) === 1;
      work[container * COLUMNS + COUNT]++;
      if (next === COMMA) {
        at = skipBlanks(bytes, at + 1);
        if (isObject) at = endOfName(bytes, at);
        continue value;
      }
      if (next !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        throw syntaxError(
          isObject ? SyntaxText.MISSING_COMMA_OR_BRACE : SyntaxText.MISSING_COMMA_OR_BRACKET,
          at,
        );
      }
      open.pop();
      work[container * COLUMNS + CLOSE_AT] = at++;
      work[container * COLUMNS + NEXT] = size;
    }
  }
}
