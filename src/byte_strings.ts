/**
 * The layout of BYTES tensors: every element is its length in 4 bytes, little-endian, and its bytes.
 *
 * @module
 */
import { TritonError } from "./errors.ts";

const encoder = new TextEncoder();

/** Puts texts (as UTF-8) and byte strings into the layout of a BYTES tensor. */
export function packByteStrings(
  elements: readonly (string | Uint8Array)[],
): Uint8Array<ArrayBuffer> {
  const encoded = elements.map((item) => typeof item === "string" ? encoder.encode(item) : item);
  const size = encoded.reduce((sum, item) => sum + 4 + item.byteLength, 0);
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const item of encoded) {
    view.setUint32(at, item.byteLength, true);
    packed.set(item, at + 4);
    at += 4 + item.byteLength;
  }
  return packed;
}

/**
 * The elements of a BYTES tensor, as views into it.
 *
 * @throws {TritonError} INVALID_ARG when an element is cut short.
 */
export function unpackByteStrings(packed: Uint8Array): Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const elements: Uint8Array[] = [];
  for (let at = 0; at < packed.byteLength;) {
    const left = packed.byteLength - at;
    const length = left >= 4 ? view.getUint32(at, true) : 0;
    if (left < 4 + length) {
      throw new TritonError(
        "INVALID_ARG",
        `Cannot read element ${elements.length} of a BYTES tensor: it needs ${4 + length} bytes, ` +
          `${left} are left`,
      );
    }
    elements.push(packed.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return elements;
}
