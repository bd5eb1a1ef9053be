/**
 * The limit on what a request may make the server hold: Triton's `--http-max-input-size`. It guards
 * JSON and what is made from it, not the binary data behind a JSON header.
 *
 * @module
 */
import { TritonError } from "../errors.ts";

/** Triton's default limit in bytes: 64 MiB. */
export const DEFAULT_MAX_INPUT_SIZE: number = 64 * 1024 * 1024;

const REMEDY = "Use --http-max-input-size to increase the limit.";

/** Refuses a JSON text of more than `max` bytes. */
export function limitJson(byteSize: number, max: number): void {
  if (byteSize <= max) return;
  throw new TritonError(
    "INVALID_ARG",
    `request JSON size of ${byteSize} bytes exceeds the maximum allowed input size of ${max} bytes. ` +
      REMEDY,
  );
}

/** Refuses a tensor made from JSON of more than `max` bytes. */
export function limitTensor(input: string, byteSize: number, max: number): void {
  if (byteSize <= max) return;
  throw new TritonError(
    "INVALID_ARG",
    `JSON input '${input}' has a byte_size (${byteSize} bytes) that exceeds the maximum allowed ` +
      `value of ${max} bytes. ${REMEDY}`,
  );
}

/** Refuses a raw request of more than `max` bytes. */
export function limitRaw(byteSize: number, max: number): void {
  if (byteSize <= max) return;
  throw new TritonError(
    "INVALID_ARG",
    `Raw input has a byte_size (${byteSize} bytes) that exceeds the maximum allowed value of ${max} ` +
      `bytes. ${REMEDY}`,
  );
}

/** The error of a compressed body that grows beyond `max` bytes. */
export function decompressedLimitError(max: number): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `Decompressed data size exceeds the maximum allowed value of ${max} bytes. ${REMEDY}`,
  );
}

/**
 * Refuses the tensor that takes a generate request beyond `max` bytes; `sum` is what the inputs before
 * it take.
 */
export function limitGenerate(sum: number, input: string, byteSize: number, max: number): void {
  if (sum + byteSize <= max) return;
  throw new TritonError(
    "INVALID_ARG",
    `request size of ${sum} bytes with input '${input}' of size ${byteSize} bytes exceeds the ` +
      `maximum allowed input size of ${max}. ${REMEDY}`,
  );
}
