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

const encoder = new TextEncoder();

/** How the body of a reply is delimited: by its length, in chunks, by the end of the connection. */
export type Framing = number | "chunked" | "none";

/** The head of a reply, to be written. */
export interface ReplyHead {
  /** How many bytes it has, with its empty line. */
  readonly size: number;
  /** Everything but the length of the body. */
  readonly prefix: Uint8Array;
  /** The digits of the length; empty when the prefix is all. */
  readonly digits: string;
}

/** The head of a reply. `connection` is what it says of the connection, when it says anything. */
export function replyHead(
  status: number,
  fields: readonly Field[],
  connection: string | undefined,
  framing: Framing,
): ReplyHead {
  const prefix = headPrefix(status, fields, connection, framing);
  if (typeof framing !== "number") return { size: prefix.length, prefix, digits: "" };
  const digits = String(framing);
  return { size: prefix.length + digits.length + 4, prefix, digits };
}

/** Writes a head to `target` from `at` on; returns where it ends. */
export function putHead({ prefix, digits }: ReplyHead, target: Uint8Array, at: number): number {
  target.set(prefix, at);
  at += prefix.length;
  if (digits === "") return at;
  for (let index = 0; index < digits.length; index++) target[at++] = digits.charCodeAt(index);
  for (let line = 0; line < 2; line++) {
    target[at++] = 13;
    target[at++] = 10;
  }
  return at;
}

interface KnownPrefix {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly connection: string | undefined;
  readonly framing: Framing;
  readonly prefix: Uint8Array;
}

/** The prefixes of the last replies: most have the very fields of another one. */
const recent: KnownPrefix[] = [];
const MAX_RECENT = 8;
let oldest = 0;

function headPrefix(
  status: number,
  fields: readonly Field[],
  connection: string | undefined,
  framing: Framing,
): Uint8Array {
  const kind = typeof framing === "number" ? 0 : framing;
  for (let index = 0; index < recent.length; index++) {
    const known = recent[index];
    if (
      known.fields === fields && known.status === status && known.connection === connection &&
      known.framing === kind
    ) return known.prefix;
  }
  const prefix = makePrefix(status, fields, connection, kind);
  recent[oldest] = { status, fields, connection, framing: kind, prefix };
  oldest = (oldest + 1) % MAX_RECENT;
  return prefix;
}

function makePrefix(
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
  return encoder.encode(text);
}
