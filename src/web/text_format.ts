/**
 * `application/grpc-web-text`: gRPC-Web in Base64, for browsers whose XMLHttpRequest cannot stream bytes.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";

const TEXT_TYPE = /^application\/grpc-web-text(?=$|[+;])/i;
const BINARY_TYPE = /^application\/grpc-web(?=$|[+;])/i;

/** Whether this is the `Content-Type` of a request in Base64. */
export function isTextType(contentType: string): boolean {
  return TEXT_TYPE.test(contentType);
}

/** The same type without Base64. */
export function binaryType(contentType: string): string {
  return contentType.replace(TEXT_TYPE, "application/grpc-web");
}

/** The same type with Base64. */
export function textType(contentType: string): string {
  return contentType.replace(BINARY_TYPE, "application/grpc-web-text");
}

/**
 * The bytes of a text, which may consist of several texts with padding of their own.
 *
 * @throws {ConnectError} invalid_argument when it is no Base64.
 */
export function decodeText(text: Uint8Array): Uint8Array {
  const parts = new TextDecoder().decode(text).match(/[^=]+={0,2}/g) ?? [];
  try {
    const pieces = parts.map((part) => Uint8Array.fromBase64(part));
    if (pieces.length === 1) return pieces[0];
    const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  } catch (cause) {
    const message = "the request is no Base64";
    throw new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
  }
}

/** `bytes` as a text of their own, with padding. */
export function encodeText(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(bytes.toBase64());
}
