/**
 * The head of an HTTP/1.x request: where it ends, and what it says.
 *
 * @module
 */
import type { Field } from "./message.ts";

/** A request that is no HTTP, or whose extent is in doubt: its connection is closed without an answer. */
export class MalformedRequest extends Error {}

/** How the body of a request is delimited: by its length in bytes, or in chunks. */
export type BodyLength = number | "chunked";

/** The head of a request. */
export interface Head {
  readonly method: string;
  /** Not decoded, not normalised, without the query. */
  readonly path: string;
  /** Not decoded, without the question mark; empty when there is none. */
  readonly query: string;
  readonly fields: readonly Field[];
  /** The first value of each name in lower case. */
  readonly byName: ReadonlyMap<string, string>;
  readonly bodyLength: BodyLength;
  /** Whether the connection may serve another request. */
  readonly keepAlive: boolean;
  /** Whether the protocol is HTTP/1.1, with chunks. */
  readonly isVersion11: boolean;
  /** What the reply says of the connection; undefined for nothing. */
  readonly connection: "close" | "keep-alive" | undefined;
  /** Whether the client waits for a word before it sends the body. */
  readonly expectsContinue: boolean;
}

/** As Triton's HTTP library: the longest value of a field, and the longest target, in bytes. */
const MAX_VALUE = 8191;
/** The longest line: a field's name is not limited by itself. */
const MAX_LINE = 2 * MAX_VALUE;
/** All lines together. Triton has no limit here; 100 kB of many fields are common to both. */
const MAX_HEAD = 1 << 20;

const LF = 10, CR = 13;

/** Looks for the end of a head in bytes that grow. */
export class HeadScanner {
  #lineStart = 0;
  #scanned = 0;

  /**
   * The index behind the head's last byte, or -1 when it is not there yet. `bytes` begin with the head,
   * and hold at least what they held at the last call.
   *
   * @throws {MalformedRequest} when a line or all of them are too long, or end in a bare line feed.
   */
  end(bytes: Uint8Array): number {
    for (;;) {
      const at = bytes.indexOf(LF, this.#scanned);
      const length = (at < 0 ? bytes.length : at) - this.#lineStart;
      if (length > MAX_LINE || this.#lineStart > MAX_HEAD) {
        throw new MalformedRequest("the head is too long");
      }
      if (at < 0) {
        this.#scanned = bytes.length;
        return -1;
      }
      if (at === 0 || bytes[at - 1] !== CR) throw new MalformedRequest("a line ends without CR");
      const isEmpty = length === 1;
      this.#lineStart = this.#scanned = at + 1;
      if (isEmpty) return at + 1;
    }
  }

  /** Begins anew. */
  reset(): void {
    this.#lineStart = this.#scanned = 0;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of a head: UTF-8 where it is, else byte by byte. */
function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/;
const VERSION = /^HTTP\/1\.([0-9])$/;
const MAX_LENGTH_DIGITS = 15;

/**
 * Reads a head, given with its empty line.
 *
 * @throws {MalformedRequest}
 */
export function parseHead(bytes: Uint8Array): Head {
  const lines = decode(bytes.subarray(0, bytes.length - 4)).split("\r\n");
  const requestLine = lines[0].split(" ");
  const version = VERSION.exec(requestLine[2] ?? "");
  const [method, target] = requestLine;
  if (requestLine.length !== 3 || version === null || !TOKEN.test(method)) {
    throw new MalformedRequest("no request line");
  }
  if (target === "" || target.length > MAX_VALUE || CONTROLS.test(target)) {
    throw new MalformedRequest("no target");
  }
  const fields: Field[] = [];
  const byName = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) {
    const field = parseField(lines[index]);
    const name = field[0].toLowerCase();
    fields.push(field);
    if (!byName.has(name)) byName.set(name, field[1]);
  }
  const isVersion11 = version[1] !== "0";
  const options = (byName.get("connection") ?? "").toLowerCase().split(",").map((o) => o.trim());
  // Beside chunks a length means nothing; who sends both may not agree with us where the request ends.
  const isDoubtful = byName.has("content-length") && byName.has("transfer-encoding");
  const closes = options.includes("close") || isDoubtful;
  const keepsAlive = options.includes("keep-alive");
  return {
    method,
    ...pathAndQuery(target),
    fields,
    byName,
    bodyLength: bodyLength(fields),
    keepAlive: isVersion11 ? !closes : keepsAlive && !closes,
    isVersion11,
    connection: closes ? "close" : keepsAlive && !isVersion11 ? "keep-alive" : undefined,
    expectsContinue: isVersion11 && byName.get("expect")?.toLowerCase() === "100-continue",
  };
}

function parseField(line: string): Field {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  if (colon <= 0 || !TOKEN.test(name)) throw new MalformedRequest("no field name");
  let start = colon + 1;
  while (line[start] === " " || line[start] === "\t") start++;
  // Blanks behind the value stay, as in Triton.
  const value = line.slice(start);
  if (value.length > MAX_VALUE || CONTROLS.test(value)) {
    throw new MalformedRequest(`the value of ${name} is too long or has control characters`);
  }
  return [name, value];
}

/** The path and query of a target, which may be a whole URL. */
function pathAndQuery(target: string): Pick<Head, "path" | "query"> {
  let start = 0;
  if (target[0] !== "/") {
    const authority = target.indexOf("://");
    if (authority > 0) {
      start = target.indexOf("/", authority + 3);
      if (start < 0) return { path: "/", query: "" };
    }
  }
  const query = target.indexOf("?", start);
  if (query < 0) return { path: target.slice(start), query: "" };
  return { path: target.slice(start, query), query: target.slice(query + 1) };
}

/** Faults here would leave it open where the next request begins, so nothing is guessed. */
function bodyLength(fields: readonly Field[]): BodyLength {
  let length: number | undefined;
  let isChunked = false;
  for (const [name, value] of fields) {
    const lowerName = name.toLowerCase();
    if (lowerName === "content-length") {
      const [, digits] = /^([0-9]+)[ \t]*$/.exec(value) ?? [];
      const given = Number(digits);
      if (digits === undefined || digits.length > MAX_LENGTH_DIGITS) {
        throw new MalformedRequest(`Content-Length is ${value}`);
      }
      if (length !== undefined && length !== given) {
        throw new MalformedRequest("two lengths");
      }
      length = given;
    } else if (lowerName === "transfer-encoding") {
      if (isChunked || !/^chunked[ \t]*$/i.test(value)) {
        throw new MalformedRequest(`Transfer-Encoding is ${value}`);
      }
      isChunked = true;
    }
  }
  return isChunked ? "chunked" : length ?? 0;
}
