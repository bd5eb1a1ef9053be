/**
 * Model versions as texts.
 *
 * @module
 */
import type { Int64 } from "../engine.ts";
import { TritonError } from "../errors.ts";

/** The version that lets the model's policy choose. */
const ANY = -1;

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * The version that `text` names; empty is -1, the choice of the model's policy. As with C's `stol`,
 * blanks before the number and anything behind it are ignored. Throws INVALID_ARG.
 */
export function parseVersion(text: string): Int64 {
  if (text === "") return ANY;
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text)?.[1];
  const version = digits === undefined ? undefined : BigInt(digits.replace("+", ""));
  if (version === undefined || version > MAX_INT64 || version < -MAX_INT64 - 1n) {
    throw new TritonError(
      "INVALID_ARG",
      `failed to get model version from specified version string '${text}' (details: stol), ` +
        "version should be an integral value > 0",
    );
  }
  if (version < 0n) {
    throw new TritonError(
      "INVALID_ARG",
      `invalid model version specified '${text}' , version should be an integral value > 0`,
    );
  }
  return version;
}
