/**
 * HTTP/1.1 as it is on the wire: sends bytes over a TCP connection and reads the answer strictly, so that
 * an answer that is no HTTP is told from one that is.
 *
 * @module
 */
import { connect } from "node:net";

/** An answer, its body without the framing of chunks. */
export interface WireAnswer {
  /** The statuses of the answers that came before it, such as 100. */
  readonly interim: readonly number[];
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** In their order, as they were written. */
  readonly headers: readonly (readonly [string, string])[];
  /** How the end of the body was told: its length, chunks, or the end of the connection. */
  readonly framing: "length" | "chunked" | "close";
  readonly body: Uint8Array;
  /** The answer ends here; more may have come behind it. */
  readonly size: number;
}

/** What came of an exchange. */
export interface Exchange {
  /** Undefined when none came, or not all of it. */
  readonly answer: WireAnswer | undefined;
  /** What is wrong with what came, when that is no HTTP. */
  readonly fault: string | undefined;
  /** Whether the server closed the connection. Told only when it was waited for, or no answer came. */
  readonly closed: boolean;
  /** How many bytes came. */
  readonly received: number;
}

/** How bytes are sent, and the answer waited for. */
export interface ExchangeOptions {
  /** How long the answer may take. Default: 10000. */
  readonly limitMs?: number;
  /** Waits until the server closes the connection rather than for the end of the answer. */
  readonly untilClose?: boolean;
  /** Ends the sending direction after the last byte. */
  readonly halfClose?: boolean;
  /** Ends it so many milliseconds after the last byte, if no answer has come. */
  readonly halfCloseAfterMs?: number;
  /** Goes away after the last byte, without waiting for an answer. */
  readonly closeAtOnce?: boolean;
  /** Sends every byte by itself. */
  readonly dribble?: boolean;
  /** Whether the answer has no body, whatever its headers say, as with the method HEAD. */
  readonly bodiless?: boolean;
}

/**
 * Sends `parts` on a connection of its own, each part after the first when the server has answered
 * something (or has not for a while), and resolves to what came of it. Never rejects.
 */
export function exchange(
  port: number,
  parts: readonly Uint8Array[],
  options: ExchangeOptions = {},
): Promise<Exchange> {
  const { limitMs = 10_000, untilClose = false, bodiless = false } = options;
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const received = new Received();
    const waiting = [...parts];
    let pause: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const timer = setTimeout(() => finish(false), limitMs);
    const finish = (closed: boolean) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      clearTimeout(pause);
      socket.destroy();
      const { answer, fault } = received.read(bodiless, closed);
      resolve({ answer, fault, closed, received: received.size });
    };
    const sendNext = () => {
      clearTimeout(pause);
      const part = waiting.shift();
      if (part === undefined || isOver) return;
      if (options.dribble) { for (const byte of part) socket.write(Uint8Array.of(byte)); }
      else socket.write(part);
      if (waiting.length > 0) pause = setTimeout(sendNext, PART_PAUSE_MS);
      else sentAll();
    };
    const sentAll = () => {
      if (options.halfClose) socket.end();
      else if (options.closeAtOnce) socket.write("", () => finish(true));
      else if (options.halfCloseAfterMs !== undefined) {
        pause = setTimeout(() => socket.end(), options.halfCloseAfterMs);
      }
    };
    socket.on("connect", sendNext);
    socket.on("data", (data: Uint8Array) => {
      received.add(data);
      if (waiting.length > 0) sendNext();
      if (untilClose) return;
      const { answer, fault } = received.read(bodiless, false);
      if (answer !== undefined || fault !== undefined) finish(false);
    });
    socket.on("end", () => finish(true));
    socket.on("error", () => finish(true));
    socket.on("close", () => finish(true));
  });
}

const PART_PAUSE_MS = 400;

/** The bytes that came, put together only when they are looked at. */
class Received {
  size = 0;
  #parts: Uint8Array[] = [];

  add(part: Uint8Array): void {
    this.size += part.length;
    this.#parts.push(part);
  }

  read(bodiless: boolean, ended: boolean): { answer?: WireAnswer; fault?: string } {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : concat(this.#parts);
    this.#parts = [bytes];
    try {
      return { answer: parseAnswer(bytes, { bodiless, ended }) };
    } catch (fault) {
      return { fault: (fault as Error).message };
    }
  }
}

const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-5][0-9]{2}) ([\t\x20-\x7e]*)$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** How an answer is read. */
export interface ParseOptions {
  readonly bodiless: boolean;
  /** Whether nothing more will come. */
  readonly ended: boolean;
}

/**
 * The first final answer in `bytes`; undefined while some of it is missing.
 *
 * @throws {Error} when the bytes are no HTTP.
 */
export function parseAnswer(
  bytes: Uint8Array,
  { bodiless, ended }: ParseOptions,
): WireAnswer | undefined {
  const text = latin1(bytes);
  const interim: number[] = [];
  for (let at = 0;;) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    if (headEnd < 0) {
      if (text.length > at + 4 && !text.slice(at, at + 5).startsWith("HTTP/")) {
        throw new Error(`no status line: ${JSON.stringify(text.slice(at, at + 80))}`);
      }
      return undefined;
    }
    const [first, ...lines] = text.slice(at, headEnd).split("\r\n");
    const line = STATUS_LINE.exec(first);
    if (line === null) throw new Error(`no status line: ${JSON.stringify(first)}`);
    const headers = lines.map((one) => {
      const header = HEADER_LINE.exec(one);
      if (header === null) throw new Error(`no header line: ${JSON.stringify(one)}`);
      return [header[1], header[2]] as const;
    });
    const status = Number(line[2]);
    at = headEnd + 4;
    if (status < 200) {
      interim.push(status);
      continue;
    }
    const hasBody = !bodiless && status !== 204 && status !== 304;
    const body = hasBody
      ? readBody(bytes, text, at, headers, ended)
      : { framing: "length", body: bytes.subarray(at, at), end: at } as const;
    if (body === undefined) return undefined;
    const { framing, end } = body;
    const [, version, , reason] = line;
    return { interim, version, status, reason, headers, framing, body: body.body, size: end };
  }
}

interface Body {
  readonly framing: WireAnswer["framing"];
  readonly body: Uint8Array;
  readonly end: number;
}

function readBody(
  bytes: Uint8Array,
  text: string,
  start: number,
  headers: WireAnswer["headers"],
  ended: boolean,
): Body | undefined {
  const values = (name: string) =>
    headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
  const lengths = values("content-length");
  const codings = values("transfer-encoding");
  if (lengths.length + codings.length > 1) throw new Error("the body is framed twice");
  if (codings.length > 0) {
    if (codings[0] !== "chunked") throw new Error(`transfer coding ${codings[0]}`);
    return readChunks(bytes, text, start);
  }
  if (lengths.length === 0) {
    if (!ended) return undefined;
    return { framing: "close", body: bytes.subarray(start), end: bytes.length };
  }
  if (!/^[0-9]+$/.test(lengths[0])) throw new Error(`content length ${lengths[0]}`);
  const end = start + Number(lengths[0]);
  if (bytes.length < end) return undefined;
  return { framing: "length", body: bytes.subarray(start, end), end };
}

function readChunks(bytes: Uint8Array, text: string, at: number): Body | undefined {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const line = text.slice(at, lineEnd);
    if (!/^[0-9a-fA-F]{1,15}$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`);
    const start = lineEnd + 2;
    const end = start + Number.parseInt(line, 16);
    if (bytes.length < end + 2) return undefined;
    if (text.slice(end, end + 2) !== "\r\n") throw new Error("a chunk has no end");
    if (end === start) return { framing: "chunked", body: concat(chunks), end: end + 2 };
    chunks.push(bytes.subarray(start, end));
    at = end + 2;
  }
}

/** The value of the first header of that name; undefined when there is none. */
export function header({ headers }: WireAnswer, name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1];
}

/** Text as bytes in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes as text, one character a byte, so that offsets agree. */
export function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** One array of all `parts`. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** How {@link request} writes a request. */
export interface RequestParts {
  readonly method?: string;
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | string;
  readonly version?: string;
}

/** A request to the byte: `Host` comes first, and `Content-Length` when there is a body, or it is a POST. */
export function request(parts: RequestParts): Uint8Array<ArrayBuffer> {
  const { method = "GET", target, headers = [], body, version = "HTTP/1.1" } = parts;
  const bytes = typeof body === "string" ? utf8(body) : body;
  const lines = [`${method} ${target} ${version}`, "Host: localhost"];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const isFramed = headers.some(([name]) => /^(transfer-encoding|content-length)$/i.test(name));
  if (!isFramed && (bytes !== undefined || method === "POST")) {
    lines.push(`Content-Length: ${bytes?.length ?? 0}`);
  }
  const head = Uint8Array.from(`${lines.join("\r\n")}\r\n\r\n`, (letter) => letter.charCodeAt(0));
  return concat([head, bytes ?? new Uint8Array(0)]);
}
