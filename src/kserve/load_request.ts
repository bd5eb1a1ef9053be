/**
 * The bodies of the model repository's endpoints.
 *
 * @module
 */
import type { LoadParameters } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { parseJson } from "./json/value.ts";

/**
 * Whether an index request wants ready models only. An empty body wants all.
 *
 * @throws {TritonError} INTERNAL for malformed JSON; INVALID_ARG when `ready` is no boolean.
 */
export function parseIndexRequest(body: Uint8Array): boolean {
  if (body.length === 0) return false;
  const ready = parseJson(body).member("ready");
  if (ready === undefined) return false;
  if (!ready.isBoolean) {
    throw new TritonError("INVALID_ARG", "Invalid value for 'ready': expected a boolean");
  }
  return ready.asBoolean();
}

/**
 * The parameters of a load request: a model configuration, and files of the model.
 *
 * @throws {TritonError} INTERNAL for malformed JSON, for values that are no strings, and for parameters
 * that do not exist.
 */
export function parseLoadRequest(body: Uint8Array): LoadParameters {
  const parameters = new Map<string, string | Uint8Array>();
  if (body.length === 0) return parameters;
  for (const { name, value } of parseJson(body).member("parameters")?.membersByName() ?? []) {
    const content = value.asBytes();
    if (name === "config") {
      parameters.set(name, value.asString());
    } else if (name.startsWith("file:")) {
      parameters.set(name, decodeBase64(content));
    } else {
      throw new TritonError("INTERNAL", "unexpected error on creating Triton parameter");
    }
  }
  return parameters;
}

/**
 * Whether an unload request wants the models unloaded too that the model depends on. A value that is
 * no boolean is ignored, as in Triton.
 *
 * @throws {TritonError} INTERNAL for malformed JSON.
 */
export function parseUnloadRequest(body: Uint8Array): boolean {
  if (body.length === 0) return false;
  const value = parseJson(body).member("parameters")?.member("unload_dependents");
  return value?.isBoolean === true && value.asBoolean();
}

/** The base64 digits by their ASCII code; -1 for other characters. */
const DIGITS = new Int8Array(256).fill(-1);
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].forEach((digit, value) => {
  DIGITS[digit.charCodeAt(0)] = value;
});

/** Decodes base64 as libb64 does: characters that are no digits are skipped, padding is not needed. */
export function decodeBase64(text: Uint8Array): Uint8Array {
  const data = new Uint8Array(Math.floor(text.length * 3 / 4));
  let length = 0;
  let bits = 0;
  let held = 0;
  for (const character of text) {
    const value = DIGITS[character];
    if (value < 0) continue;
    bits = (bits << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    data[length++] = bits >> held;
    bits &= (1 << held) - 1;
  }
  return data.subarray(0, length);
}
