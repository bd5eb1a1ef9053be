/**
 * gRPC status: codes that Triton's error codes do not cover, the trailers that carry a status, and
 * the errors that the layers below turn into one.
 *
 * @module
 */
import { ConnectError } from "@connectrpc/connect";
import { TritonError } from "../errors.ts";
import type { Fields } from "./transport.ts";

/** The outcome of a call that did not succeed. */
export interface RpcStatus {
  /** The gRPC status code, not 0. */
  readonly code: number;
  /** May be empty. */
  readonly message: string;
}

/** The gRPC status codes that this layer uses by itself. */
export const StatusCode = {
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

/** Triton's answer to a request that is missing or cannot be decoded. */
export const UNPARSABLE: RpcStatus = {
  code: StatusCode.INTERNAL,
  message: "Unable to parse request",
};

/** Triton's answer to calls that come while the front end stops. */
export const SHUTTING_DOWN: TritonError = new TritonError(
  "UNAVAILABLE",
  "GRPC server is shutting down and has stopped accepting new requests.",
);

/** The status for whatever an implementation threw. */
export function statusOf(reason: unknown): RpcStatus {
  if (reason instanceof ConnectError) return { code: reason.code, message: reason.rawMessage };
  const error = TritonError.from(reason);
  return { code: error.grpcStatus, message: error.message };
}

/** The fields of `status`; undefined is success. An empty message is left out, as gRPC does. */
export function statusFields(status: RpcStatus | undefined): Fields {
  if (status === undefined) return OK_FIELDS;
  const code = String(status.code);
  if (status.message === "") return { "grpc-status": code };
  return { "grpc-status": code, "grpc-message": percentEncode(status.message) };
}

/** The status that {@link statusFields} has made the fields of. */
export function statusOfFields(fields: Fields): RpcStatus | undefined {
  const code = Number(fields["grpc-status"]);
  if (code === 0) return undefined;
  return { code, message: decodeURIComponent(fields["grpc-message"] ?? "") };
}

const OK_FIELDS: Fields = { "grpc-status": "0" };

/**
 * Bytes of UTF-8 outside of printable ASCII, and "%", as `%XX`: the gRPC protocol's encoding. Blanks at
 * either end as well, which gRPC leaves alone but HTTP/2 forbids: Bun drops such a field.
 */
export function percentEncode(text: string): string {
  if (/^(?! )[ -$&-~]*(?<! )$/.test(text)) return text;
  const bytes = new TextEncoder().encode(text);
  let encoded = "";
  for (const [index, byte] of bytes.entries()) {
    const isEnd = index === 0 || index === bytes.length - 1;
    encoded += byte < 0x20 + Number(isEnd) || byte > 0x7e || byte === 0x25
      ? "%" + byte.toString(16).toUpperCase().padStart(2, "0")
      : String.fromCharCode(byte);
  }
  return encoded;
}
