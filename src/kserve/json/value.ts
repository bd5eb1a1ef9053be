/**
 * A JSON document as a tree of cursors over its bytes: nothing is decoded until it is asked for.
 * Names may come twice in an object; looking one up finds the first.
 *
 * @module
 */
import type { Int64 } from "../../engine.ts";
import { missingMemberError, noMembersError, notANumberError, typeError } from "./errors.ts";
import { isNumberStart, readDouble, readInt64, readUint64, skipNumber } from "./number.ts";
import { CLOSE_AT, COLUMNS, COUNT, NEXT, scan, skipBlanks, type Structure } from "./scanner.ts";
import { isStringText, skipString, stringBytes, stringText } from "./string.ts";

const QUOTE = 0x22, OPEN_BRACE = 0x7b, OPEN_BRACKET = 0x5b;
const LETTER_F = 0x66, LETTER_N = 0x6e, LETTER_T = 0x74;

/** Where a value lies: the bytes of its document, from `start` to `end`. */
export interface JsonSource {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Identifies the scan of the document, of which the values of numbers may have been kept. */
  readonly document: number;
}

/** A member of a JSON object. */
export interface JsonMember {
  /** The decoded name; bytes that are no UTF-8 became U+FFFD. */
  readonly name: string;
  /** What the name stands for. */
  readonly value: JsonValue;
}

/**
 * Checks the JSON document in `bytes` and returns its root.
 *
 * The values refer to `bytes`, which must not change while they are in use.
 *
 * @throws {TritonError} INTERNAL `failed to parse the request JSON buffer: <text> at <offset>` when
 * the document is malformed.
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const structure = scan(bytes);
  return new JsonValue(bytes, structure, structure.root, 0);
}

/**
 * One value of a document. The methods named `as...` throw Triton's type errors, which begin with
 * `what` and a colon where the caller names the step that wanted the value.
 */
export class JsonValue {
  readonly #bytes: Uint8Array;
  readonly #structure: Structure;
  /** The value's first byte. */
  readonly #start: number;
  /** The number of the first container that opens at or behind the start. */
  readonly #container: number;

  /** Made by {@link parseJson} and by the methods of the values around this one. */
  constructor(bytes: Uint8Array, structure: Structure, start: number, container: number) {
    this.#bytes = bytes;
    this.#structure = structure;
    this.#start = start;
    this.#container = container;
  }

  /** Whether this is an object. */
  get isObject(): boolean {
    return this.#bytes[this.#start] === OPEN_BRACE;
  }

  /** Whether this is an array. */
  get isArray(): boolean {
    return this.#bytes[this.#start] === OPEN_BRACKET;
  }

  /** Whether this is a string. */
  get isString(): boolean {
    return this.#bytes[this.#start] === QUOTE;
  }

  /** Whether this is `true` or `false`. */
  get isBoolean(): boolean {
    const byte = this.#bytes[this.#start];
    return byte === LETTER_T || byte === LETTER_F;
  }

  /** Whether this is a number, also one of NaN and the infinities. */
  get isNumber(): boolean {
    return isNumberStart(this.#bytes[this.#start]);
  }

  /** Whether this is `null`. */
  get isNull(): boolean {
    return this.#bytes[this.#start] === LETTER_N;
  }

  /** The decoded text of a string; bytes that are no UTF-8 become U+FFFD. */
  asString(what?: string): string {
    if (!this.isString) throw typeError("string", what);
    return stringText(this.#bytes, this.#start, skipString(this.#bytes, this.#start));
  }

  /** The decoded bytes of a string, as they came. They may be a view into the document. */
  asBytes(what?: string): Uint8Array {
    if (!this.isString) throw typeError("string", what);
    return stringBytes(this.#bytes, this.#start, skipString(this.#bytes, this.#start));
  }

  /** `true` or `false`. */
  asBoolean(what?: string): boolean {
    if (!this.isBoolean) throw typeError("boolean", what);
    return this.#bytes[this.#start] === LETTER_T;
  }

  /** The integer of a literal that fits signed 64 bits, else undefined. Exact: a bigint when large. */
  get int64(): Int64 | undefined {
    if (!this.isNumber) return undefined;
    return readInt64(this.#bytes, this.#start, skipNumber(this.#bytes, this.#start));
  }

  /** The integer of a literal that fits unsigned 64 bits, else undefined. A bigint when large. */
  get uint64(): Int64 | undefined {
    if (!this.isNumber) return undefined;
    return readUint64(this.#bytes, this.#start, skipNumber(this.#bytes, this.#start));
  }

  /** An integer literal that fits unsigned 64 bits. A bigint when large. */
  asUint64(what?: string): Int64 {
    const value = this.uint64;
    if (value === undefined) throw typeError("unsigned-integer", what);
    return value;
  }

  /** Any number as a double. */
  asDouble(what?: string): number {
    if (!this.isNumber) throw notANumberError(what);
    return readDouble(this.#bytes, this.#start, skipNumber(this.#bytes, this.#start));
  }

  /** The elements of an array, in order. */
  asArray(what?: string): JsonValue[] {
    if (!this.isArray) throw typeError("array", what);
    const elements: JsonValue[] = [];
    const { rows } = this.#structure;
    const end = rows[this.#container * COLUMNS + CLOSE_AT];
    let at = this.#start + 1;
    let container = this.#container + 1;
    for (let left = rows[this.#container * COLUMNS + COUNT]; left > 0; left--) {
      const element = this.#valueAt(skipBlanks(this.#bytes, at), container);
      elements.push(element);
      container = element.#nextContainer;
      at = Math.min(end, skipBlanks(this.#bytes, element.#end) + 1);
    }
    return elements;
  }

  /** How many elements an array has, without visiting them. */
  arrayLength(what?: string): number {
    if (!this.isArray) throw typeError("array", what);
    return this.#count;
  }

  /** This value, when it is an object. */
  asObject(what?: string): JsonValue {
    if (!this.isObject) throw typeError("object", what);
    return this;
  }

  /** The members of an object in order, also those whose name came before. */
  members(what?: string): JsonMember[] {
    if (!this.isObject) throw noMembersError(what);
    const bytes = this.#bytes;
    const members: JsonMember[] = [];
    let at = this.#start + 1;
    let container = this.#container + 1;
    for (let left = this.#count; left > 0; left--) {
      const name = skipBlanks(bytes, at);
      const nameEnd = skipString(bytes, name);
      const value = this.#valueAt(startOfMember(bytes, nameEnd), container);
      members.push({ name: stringText(bytes, name, nameEnd), value });
      container = value.#nextContainer;
      at = skipBlanks(bytes, value.#end) + 1;
    }
    return members;
  }

  /**
   * The members of an object as Triton walks them: it lists the names and looks each one up, so that
   * a name that comes again carries the value of its first appearance.
   */
  membersByName(what?: string): JsonMember[] {
    const first = new Map<string, JsonValue>();
    return this.members(what).map(({ name, value }) => {
      const known = first.get(name);
      if (known === undefined) first.set(name, value);
      return { name, value: known ?? value };
    });
  }

  /** The first member called `name`, an ASCII text; undefined when there is none, or this is no object. */
  member(name: string): JsonValue | undefined {
    const bytes = this.#bytes;
    if (bytes[this.#start] !== OPEN_BRACE) return undefined;
    const { rows } = this.#structure;
    let at = this.#start + 1;
    let container = this.#container + 1;
    for (let left = this.#count; left > 0; left--) {
      const nameStart = skipBlanks(bytes, at);
      const nameEnd = skipString(bytes, nameStart);
      const start = startOfMember(bytes, nameEnd);
      if (isStringText(bytes, nameStart, nameEnd, name)) return this.#valueAt(start, container);
      const first = bytes[start];
      let end: number;
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        end = rows[container * COLUMNS + CLOSE_AT] + 1;
        container = rows[container * COLUMNS + NEXT];
      } else {
        end = first === QUOTE ? skipString(bytes, start) : skipNumber(bytes, start);
      }
      at = skipBlanks(bytes, end) + 1;
    }
    return undefined;
  }

  /** The first member called `name`, which must be there. */
  requiredMember(name: string, what?: string): JsonValue {
    const value = this.member(name);
    if (value === undefined) throw missingMemberError(name, what);
    return value;
  }

  /** Where this value lies in which document, for readers of whole tensors. */
  get source(): JsonSource {
    const { document } = this.#structure;
    return { bytes: this.#bytes, start: this.#start, end: this.#end, document };
  }

  #valueAt(start: number, container: number): JsonValue {
    return new JsonValue(this.#bytes, this.#structure, start, container);
  }

  /** The elements or members of an array or object. */
  get #count(): number {
    return this.#structure.rows[this.#container * COLUMNS + COUNT];
  }

  get #isContainer(): boolean {
    return this.isObject || this.isArray;
  }

  /** The offset behind this value. */
  get #end(): number {
    if (this.#isContainer) return this.#structure.rows[this.#container * COLUMNS + CLOSE_AT] + 1;
    if (this.isString) return skipString(this.#bytes, this.#start);
    return skipNumber(this.#bytes, this.#start); // words end where numbers do
  }

  /** The number of the first container that opens behind this value. */
  get #nextContainer(): number {
    if (!this.#isContainer) return this.#container;
    return this.#structure.rows[this.#container * COLUMNS + NEXT];
  }
}

/** Where a member's value begins, behind the name that ends at `nameEnd`. */
function startOfMember(bytes: Uint8Array, nameEnd: number): number {
  return skipBlanks(bytes, skipBlanks(bytes, nameEnd) + 1);
}
