/**
 * What tests say of errors.
 *
 * @module
 */
import assert from "node:assert/strict";
import { TritonError } from "../../mod.ts";

/** A check for `assert.rejects` and `assert.throws`: a TritonError of that code with that text. */
export function isError(code: string, message: RegExp | string): (error: unknown) => true {
  return (error: unknown) => {
    assert.ok(error instanceof TritonError, String(error));
    assert.equal(error.code, code);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}
