/**
 * From header blocks to requests. Clients send the same block again and again, which is then not
 * decoded again.
 *
 * @module
 */
import { ErrorCode } from "./frames.ts";
import { HpackDecoder } from "./hpack_decoder.ts";
import { areTrailers, type RequestHead, requestHead } from "./request_head.ts";

/** The most that the fields of a header block may count, with 32 bytes for each on top. */
export const MAX_HEADER_LIST = 65536;

/** Longer blocks are not kept. */
const MAX_KEPT = 256;
/** A power of two. */
const SLOTS = 8;

interface Kept {
  readonly block: Uint8Array;
  /** The decoder's version before and after the block, which did not change it. */
  readonly version: number;
  readonly head: RequestHead;
}

/** The header blocks of one connection. */
export class HeaderBlocks {
  readonly #decoder = new HpackDecoder();
  readonly #kept: (Kept | undefined)[] = new Array(SLOTS).fill(undefined);

  /**
   * The request of the block from `start` to `end`, or the error code that its stream ends with.
   *
   * @throws {ConnectionError} COMPRESSION_ERROR when it is no header block.
   */
  request(bytes: Uint8Array, start: number, end: number): RequestHead | number {
    const { version } = this.#decoder;
    const length = end - start;
    if (length === 0 || length > MAX_KEPT) return this.#decode(bytes, start, end);
    const slot = (length + bytes[end - 1]) & (SLOTS - 1);
    const kept = this.#kept[slot];
    if (kept?.version === version && isSame(kept.block, bytes, start, length)) return kept.head;
    const head = this.#decode(bytes, start, end);
    if (typeof head !== "number" && this.#decoder.version === version) {
      this.#kept[slot] = { block: bytes.slice(start, end), version, head };
    }
    return head;
  }

  /** Reads trailers; the error code that their stream ends with, or undefined. Throws likewise. */
  trailers(bytes: Uint8Array, start: number, end: number): number | undefined {
    const fields = this.#decoder.decode(bytes, start, end, MAX_HEADER_LIST);
    if (fields === undefined) return ErrorCode.ENHANCE_YOUR_CALM;
    return areTrailers(fields) ? undefined : ErrorCode.PROTOCOL_ERROR;
  }

  #decode(bytes: Uint8Array, start: number, end: number): RequestHead | number {
    const fields = this.#decoder.decode(bytes, start, end, MAX_HEADER_LIST);
    if (fields === undefined) return ErrorCode.ENHANCE_YOUR_CALM;
    return requestHead(fields) ?? ErrorCode.PROTOCOL_ERROR;
  }
}

function isSame(block: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (block.length !== length) return false;
  for (let i = 0; i < length; i++) if (block[i] !== bytes[start + i]) return false;
  return true;
}
