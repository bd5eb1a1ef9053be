/**
 * What a request's header block must be like (RFC 9113, section 8), and what is read from it.
 *
 * @module
 */

/** The header block of a request that is well-formed. */
export interface RequestHead {
  readonly method: string;
  /** Empty for CONNECT, which has none. */
  readonly path: string;
  /** Names and values in turn, pseudo-headers included. */
  readonly fields: readonly string[];
  /** What the header `content-length` announces, or -1. */
  readonly contentLength: number;
}

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const BAD_VALUE = /[\0\r\n]/;
/** Fields of HTTP/1 connections. */
const CONNECTION_FIELD = /^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/;

/** The request that `fields` are the header block of; undefined when it is malformed. */
export function requestHead(fields: readonly string[]): RequestHead | undefined {
  const pseudo: Record<string, string> = {};
  let contentLength = -1;
  let at = 0;
  for (; at < fields.length && fields[at].startsWith(":"); at += 2) {
    const name = fields[at];
    if (!PSEUDO_HEADERS.includes(name) || name in pseudo) return undefined;
    if (BAD_VALUE.test(fields[at + 1])) return undefined;
    pseudo[name] = fields[at + 1];
  }
  for (; at < fields.length; at += 2) {
    if (!isRegularField(fields[at], fields[at + 1])) return undefined;
    if (fields[at] !== "content-length") continue;
    if (!/^\d{1,15}$/.test(fields[at + 1])) return undefined;
    contentLength = Number(fields[at + 1]);
  }
  const { ":method": method, ":path": path, ":scheme": scheme } = pseudo;
  if (method === "CONNECT") {
    if (path !== undefined || scheme !== undefined) return undefined;
  } else if (!method || !path || !scheme) {
    return undefined;
  }
  return { method, path: path ?? "", fields, contentLength };
}

const PSEUDO_HEADERS = [":method", ":path", ":scheme", ":authority"];

/** Whether `fields` may end a request. */
export function areTrailers(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    if (!isRegularField(fields[i], fields[i + 1])) return false;
  }
  return true;
}

function isRegularField(name: string, value: string): boolean {
  if (!NAME.test(name) || BAD_VALUE.test(value)) return false;
  if (name === "te") return value.toLowerCase() === "trailers";
  return !CONNECTION_FIELD.test(name);
}
