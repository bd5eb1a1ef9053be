/**
 * The JSON texts of Triton's core as protobuf messages.
 *
 * @module
 */
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { TritonError } from "../errors.ts";

/**
 * The message that the core's JSON describes. Fields that a newer core has and the schema lacks are
 * left out. Throws INTERNAL when the text does not fit the schema.
 */
export function messageFromCore<Desc extends DescMessage>(
  schema: Desc,
  json: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromJson(schema, parseExact(json), { ignoreUnknownFields: true });
  } catch (reason) {
    throw TritonError.from(reason);
  }
}

/**
 * Parses JSON with integers too long for a double as strings, which protobuf's JSON takes for 64-bit
 * fields as well.
 */
export function parseExact(json: Uint8Array): JsonValue {
  const text = new TextDecoder().decode(json);
  const exact = /\d{16}/.test(text) ? text.replace(STRING_OR_INTEGER, quoteLong) : text;
  return JSON.parse(exact);
}

/** Strings are matched so that the digits inside them are passed over. */
const STRING_OR_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function quoteLong(token: string): string {
  return /^-?\d{16,}$/.test(token) ? `"${token}"` : token;
}
