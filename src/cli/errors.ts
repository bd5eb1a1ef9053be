/**
 * The error of a command that cannot be run, and how errors of Triton are written out.
 *
 * @module
 */
import { TritonError, type TritonErrorCode } from "../errors.ts";

/**
 * A command that cannot be run, for its flags or for what it found: `message` is all that a person needs
 * to know, without a stack.
 */
export class CommandError extends Error {
  /** Always `"CommandError"`. */
  override name = "CommandError";
}

const KINDS: Record<TritonErrorCode, string> = {
  UNKNOWN: "Unknown",
  INTERNAL: "Internal",
  NOT_FOUND: "Not found",
  INVALID_ARG: "Invalid argument",
  UNAVAILABLE: "Unavailable",
  UNSUPPORTED: "Unsupported",
  ALREADY_EXISTS: "Already exists",
  CANCELLED: "Cancelled",
};

/** `<kind> - <text>`, as `tritonserver` writes an error. */
export function errorText(reason: unknown): string {
  const error = TritonError.from(reason);
  return `${KINDS[error.code]} - ${error.message}`;
}
