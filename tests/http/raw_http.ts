/**
 * A client that sends requests as they are written, where `fetch` would normalise them: any method, any
 * path, headers in their order.
 *
 * @module
 */
import { connect } from "node:net";

/** A request, to the byte. `Host` is added, and `Content-Length` unless the headers say chunked. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | null;
}

/** A response, its body without the framing of chunks. */
export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Sends one request on a connection of its own. */
export function rawRequest(port: number, request: RawRequest): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received: Uint8Array = new Uint8Array(0);
    socket.on("data", (data: Uint8Array) => {
      received = concat([received, data]);
      const response = parseResponse(received, request.method === "HEAD");
      if (response === undefined) return;
      socket.destroy();
      resolve(response);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error(`${request.method} ${request.path}: connection closed without an answer`));
    });
    socket.write(requestBytes(port, request));
  });
}

function requestBytes(port: number, { method, path, headers, body }: RawRequest): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const isChunked = headers.some(([name]) => name.toLowerCase() === "transfer-encoding");
  if (!isChunked && (body !== null || method === "POST")) {
    lines.push(`Content-Length: ${body?.length ?? 0}`);
  }
  const head = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  return concat([head, body ?? new Uint8Array(0)]);
}

/** The response in `bytes`; undefined while some of it is missing. */
function parseResponse(bytes: Uint8Array, isHead: boolean): RawResponse | undefined {
  const text = latin1(bytes);
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine, ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const status = Number(statusLine.split(" ")[1]);
  const bodyStart = headEnd + 4;
  if (headers.get("transfer-encoding") === "chunked") {
    const body = dechunk(text, bytes, bodyStart);
    return body && { status, headers, body };
  }
  const length = isHead ? 0 : Number(headers.get("content-length") ?? 0);
  if (bytes.length < bodyStart + length) return undefined;
  return { status, headers, body: bytes.slice(bodyStart, bodyStart + length) };
}

function dechunk(text: string, bytes: Uint8Array, at: number): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const length = Number.parseInt(text.slice(at, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.length < start + length + 2) return undefined;
    if (length === 0) return concat(chunks);
    chunks.push(bytes.slice(start, start + length));
    at = start + length + 2;
  }
}

/** One character a byte, so that offsets in text and bytes agree. */
function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
