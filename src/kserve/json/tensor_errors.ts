/**
 * The errors that all readers of tensors share.
 *
 * @module
 */
import { TritonError } from "../../errors.ts";

/** An element may lie under fewer arrays than this, as in Triton since 2.58. */
export const NESTING_LIMIT = 100;

/** The step that Triton's texts name for tensors of numbers and booleans. */
export const PARSE_DATA = "Unable to parse 'data'";

/** The error of an element under {@link NESTING_LIMIT} arrays or more; `what` is the step, if named. */
export function nestingError(what?: string): TritonError {
  const text = `JSON nesting depth exceeds maximum allowed limit (${NESTING_LIMIT})`;
  return new TritonError("INVALID_ARG", what === undefined ? text : `${what}: ${text}`);
}

/** The error of more elements than the shape has. */
export function tooManyError(): TritonError {
  return new TritonError(
    "INTERNAL",
    `${PARSE_DATA}: Shape does not match true shape of 'data' field`,
  );
}
