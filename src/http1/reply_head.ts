/**
 * The head of a reply, spelled as Triton spells it.
 *
 * @module
 */
import type { Field } from "./message.ts";

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  507: "Insufficient Storage",
};

/** The heads up to the length of the body; there are few of them in a server's life. */
const prefixes = new Map<string, Uint8Array>();
const MAX_PREFIXES = 256;
const encoder = new TextEncoder();

/** How the body of a reply is delimited: by its length, in chunks, by the end of the connection. */
export type Framing = number | "chunked" | "none";

/** A head with its empty line, and with `room` bytes behind it. */
export interface ReplyHead {
  readonly bytes: Uint8Array;
  /** Where the room begins. */
  readonly end: number;
}

/** Makes the head of a reply. `connection` is what it says of the connection, when it says anything. */
export function replyHead(
  status: number,
  fields: readonly Field[],
  connection: string | undefined,
  framing: Framing,
  room: number,
): ReplyHead {
  const prefix = headPrefix(status, fields, connection, framing);
  if (typeof framing !== "number") {
    const bytes = new Uint8Array(prefix.length + room);
    bytes.set(prefix);
    return { bytes, end: prefix.length };
  }
  const digits = String(framing);
  const end = prefix.length + digits.length + 4;
  const bytes = new Uint8Array(end + room);
  bytes.set(prefix);
  let at = prefix.length;
  for (let index = 0; index < digits.length; index++) bytes[at++] = digits.charCodeAt(index);
  bytes[at] = bytes[at + 2] = 13;
  bytes[at + 1] = bytes[at + 3] = 10;
  return { bytes, end };
}

function headPrefix(
  status: number,
  fields: readonly Field[],
  connection: string | undefined,
  framing: Framing,
): Uint8Array {
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  if (connection !== undefined) text += `Connection: ${connection}\r\n`;
  if (framing === "chunked") text += "Transfer-Encoding: chunked\r\n\r\n";
  else if (framing === "none") text += "\r\n";
  else text += "Content-Length: ";
  let prefix = prefixes.get(text);
  if (prefix === undefined) {
    prefix = encoder.encode(text);
    if (prefixes.size < MAX_PREFIXES) prefixes.set(text, prefix);
  }
  return prefix;
}
