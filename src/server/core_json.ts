/**
 * The JSON that the C library hands out, as plain objects for programs in the same process.
 *
 * @module
 */

/** What the library's JSON says. Integers above 2^53 lose precision, as everywhere in JavaScript. */
export function parseCoreJson(json: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(json));
}
