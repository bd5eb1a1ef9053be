/**
 * The body with which Triton answers errors.
 *
 * @module
 */
import { JsonWriter } from "./json/writer.ts";

/** `{"error":"<message>"}` */
export function errorBody(message: string): Uint8Array<ArrayBuffer> {
  return new JsonWriter(message.length + 16).raw('{"error":').string(message).raw("}").bytes();
}
