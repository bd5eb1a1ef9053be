/**
 * The errors of the JSON layer, with rapidjson's texts. Triton reports every one of them as INTERNAL,
 * so that malformed JSON is answered with status 500.
 *
 * @module
 */
import { TritonError } from "../../errors.ts";

/** rapidjson's texts for malformed documents. */
export const SyntaxText = {
  EMPTY: "The document is empty.",
  ROOT_NOT_SINGULAR: "The document root must not be followed by other values.",
  VALUE_INVALID: "Invalid value.",
  MISSING_NAME: "Missing a name for object member.",
  MISSING_COLON: "Missing a colon after a name of object member.",
  MISSING_COMMA_OR_BRACE: "Missing a comma or '}' after an object member.",
  MISSING_COMMA_OR_BRACKET: "Missing a comma or ']' after an array element.",
  HEX_INVALID: "Incorrect hex digit after \\u escape in string.",
  SURROGATE_INVALID: "The surrogate pair in string is invalid.",
  ESCAPE_INVALID: "Invalid escape character in string.",
  MISSING_QUOTE: "Missing a closing quotation mark in string.",
  NUMBER_TOO_BIG: "Number too big to be stored in double.",
  MISSING_FRACTION: "Miss fraction part in number.",
  MISSING_EXPONENT: "Miss exponent in number.",
} as const;

/** One of rapidjson's texts for malformed documents. */
export type SyntaxText = (typeof SyntaxText)[keyof typeof SyntaxText];

/** The error of a malformed document: rapidjson's `text`, and the byte offset where it stopped. */
export function syntaxError(text: SyntaxText, offset: number): TritonError {
  return new TritonError(
    "INTERNAL",
    `failed to parse the request JSON buffer: ${text} at ${offset}`,
  );
}

/** What a value was taken for, in the words of Triton's type errors. */
export type ExpectedType =
  | "string"
  | "boolean"
  | "signed-integer"
  | "unsigned-integer"
  | "array"
  | "object";

/** The error of a value of another type than `expected`; `what` is the step that wanted it, if named. */
export function typeError(expected: ExpectedType, what?: string): TritonError {
  return accessError(`attempt to access JSON non-${expected} as ${expected}`, what);
}

/** The error of a value that is not a number where a floating-point number is wanted. */
export function notANumberError(what?: string): TritonError {
  return accessError("attempt to access JSON non-number as double", what);
}

/** The error of a member that an object (or whatever stands in its place) lacks. */
export function missingMemberError(name: string, what?: string): TritonError {
  return accessError(`attempt to access non-existing object member '${name}'`, what);
}

/** The error of listing the members of something that is no object. */
export function noMembersError(what?: string): TritonError {
  return accessError("attempt to get members for non-object", what);
}

function accessError(text: string, what: string | undefined): TritonError {
  return new TritonError("INTERNAL", what === undefined ? text : `${what}: ${text}`);
}
