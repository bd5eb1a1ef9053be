/**
 * The body with which Triton answers errors.
 *
 * @module
 */
import { cString } from "./c_string.ts";
import { JsonWriter } from "./json/writer.ts";

/** `{"error":"<message>"}`, the message up to its first NUL. */
export function errorBody(message: string): Uint8Array<ArrayBuffer> {
  const text = cString(message);
  return new JsonWriter(text.length + 16).raw('{"error":').string(text).raw("}").bytes();
}
