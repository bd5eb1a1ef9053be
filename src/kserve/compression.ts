/**
 * Compressed bodies of `/infer`: which encodings a client may use and wants, and the coding itself.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  deflate,
  deflateSync,
  gzip,
  gzipSync,
  type InputType,
  unzip,
  unzipSync,
  type ZlibOptions,
} from "node:zlib";
import { TritonError } from "../errors.ts";
import { decompressedLimitError } from "./limits.ts";

/** How a body is coded; `deflate` is the zlib format. */
export type Encoding = "identity" | "gzip" | "deflate";

/** The smallest number that C's `strtod` reads without complaint. */
const MIN_NORMAL = 2 ** -1022;

/** Bodies of up to this many bytes are coded at once: handing them to a thread takes longer. */
const SMALL = 4096;

/**
 * The encoding that the value of a `Content-Encoding` header names.
 *
 * @throws {TritonError} UNSUPPORTED for everything but exactly `gzip`, `deflate` and `identity`.
 */
export function contentEncoding(header: string | undefined): Encoding {
  if (header === undefined || header === "identity") return "identity";
  if (header === "gzip" || header === "deflate") return header;
  throw new TritonError("UNSUPPORTED", "Unsupported compression type");
}

/**
 * The encoding that a client with this `Accept-Encoding` header gets: the known one of the highest
 * quality above zero, the first of several. Triton wants items as `name` or `name;q=<number>`, with
 * blanks only before the name.
 */
export function acceptedEncoding(header: string | undefined): Encoding {
  let accepted: Encoding = "identity";
  let best = 0;
  for (const item of header?.split(",") ?? []) {
    const [, name, text] = /^ *(.*?)(?:;q=(.*))?$/s.exec(item)!;
    if (name !== "identity" && name !== "deflate" && name !== "gzip") continue;
    const quality = text === undefined ? 1 : Number.parseFloat(text);
    // A quality that no double can hold in full is none.
    if (quality > best && quality >= MIN_NORMAL && quality < Infinity) {
      best = quality;
      accepted = name;
    }
  }
  return accepted;
}

/**
 * Decompresses a body. Whether it is gzip or zlib is told from the data, as Triton does.
 *
 * @throws {TritonError} INVALID_ARG when `body` is empty, is corrupt, or grows beyond `maxSize` bytes.
 */
export async function decompress(body: Uint8Array, maxSize: number): Promise<Uint8Array> {
  if (body.length === 0) throw new TritonError("INVALID_ARG", "nothing to be decompressed");
  const options: ZlibOptions = { maxOutputLength: maxSize };
  try {
    return body.length <= SMALL ? unzipSync(body, options) : await coded(unzip, body, options);
  } catch (reason) {
    const code = (reason as NodeJS.ErrnoException).code;
    if (code === "ERR_BUFFER_TOO_LARGE") throw decompressedLimitError(maxSize);
    const why = reason instanceof Error ? reason.message : String(reason);
    throw new TritonError("INVALID_ARG", `failed to decompress the request body: ${why}`, {
      cause: reason,
    });
  }
}

/** Compresses a body, given in parts, with the default level. */
export async function compress(
  parts: readonly Uint8Array[],
  encoding: "gzip" | "deflate",
): Promise<Uint8Array<ArrayBuffer>> {
  const body = Buffer.concat(parts);
  const isGzip = encoding === "gzip";
  const compressed = body.length <= SMALL
    ? (isGzip ? gzipSync : deflateSync)(body)
    : await coded(isGzip ? gzip : deflate, body, {});
  return compressed as Uint8Array<ArrayBuffer>;
}

function coded(
  coder: (
    body: InputType,
    options: ZlibOptions,
    done: (error: Error | null, result: Uint8Array) => void,
  ) => void,
  body: Uint8Array,
  options: ZlibOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    coder(body, options, (error, result) => error === null ? resolve(result) : reject(error));
  });
}
