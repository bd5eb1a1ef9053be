/**
 * Message compression: what requests may use, and which algorithm responses get.
 *
 * @module
 */
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { MAX_MESSAGE_SIZE } from "./framing.ts";

/** How strongly responses to inferences are compressed: `--grpc-infer-response-compression-level`. */
export type CompressionLevel = "none" | "low" | "medium" | "high";

/** The levels in the order of tritonfrontend's `Grpc_compression_level`. */
export const COMPRESSION_LEVELS: readonly CompressionLevel[] = ["none", "low", "medium", "high"];

/** The value of `grpc-accept-encoding` in every response. */
export const ACCEPTED_ENCODINGS = "identity, deflate, gzip";

/** An algorithm by its name in `grpc-encoding`. */
export type Encoding = "gzip" | "deflate";

/**
 * The algorithm of a request with this `grpc-encoding`: undefined for plain messages, null for one
 * that is not known.
 */
export function requestEncoding(name: string | undefined): Encoding | undefined | null {
  if (name === undefined || name === "identity") return undefined;
  return name === "gzip" || name === "deflate" ? name : null;
}

/**
 * The algorithm for a response at `level` to a client with this `grpc-accept-encoding`. gRPC's core
 * picks the first of the client's algorithms for the low level and the last for the others, in its
 * own order: gzip, deflate.
 */
export function responseEncoding(
  level: CompressionLevel,
  accepted: string | undefined,
): Encoding | undefined {
  if (level === "none" || accepted === undefined) return undefined;
  const names = accepted.split(",").map((name) => name.trim());
  const usable = (["gzip", "deflate"] as const).filter((name) => names.includes(name));
  return level === "low" ? usable[0] : usable.at(-1);
}

/** A message unpacked. Throws when it is damaged or over the size limit. */
export function decompress(encoding: Encoding, message: Uint8Array): Uint8Array {
  const options = { maxOutputLength: MAX_MESSAGE_SIZE };
  return encoding === "gzip" ? gunzipSync(message, options) : inflateSync(message, options);
}

/** A message packed, or undefined when that would not make it smaller. */
export function compress(encoding: Encoding, message: Uint8Array): Uint8Array | undefined {
  const packed = encoding === "gzip" ? gzipSync(message) : deflateSync(message);
  return packed.length < message.length ? packed : undefined;
}
