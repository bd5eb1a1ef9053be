/**
 * The lengths of paths that Triton 2.51 does not survive: on a file that comes with a model's load, and
 * whose path the system refuses, it ends the process.
 *
 * @module
 */
import type { LoadParameters } from "../engine.ts";
import { TritonError } from "../errors.ts";

const PREFIX = "file:";
/** Linux's NAME_MAX, in bytes. */
const MAX_NAME = 255;
/** Linux's PATH_MAX, less the temporary folder in which Triton puts the files. */
const MAX_PATH = 4096 - 256;

const encoder = new TextEncoder();

/**
 * Refuses files of a load of `model` that could not be written.
 *
 * @throws {TritonError} INTERNAL, as newer servers refuse them.
 */
export function checkFilePaths(model: string, parameters: LoadParameters): void {
  for (const name of parameters.keys()) {
    if (!name.startsWith(PREFIX)) continue;
    const path = name.slice(PREFIX.length);
    const isTooLong = byteLength(path) > MAX_PATH ||
      path.split("/").some((part) => byteLength(part) > MAX_NAME);
    if (!isTooLong) continue;
    throw new TritonError(
      "INTERNAL",
      `failed to load '${model}', failed to poll from model repository`,
    );
  }
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}
