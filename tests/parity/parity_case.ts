/**
 * A case of the comparison, and the short forms in which the lists of cases are written.
 *
 * @module
 */
import type { ExchangeOptions } from "../support/wire.ts";
import { request, utf8 } from "../support/wire.ts";

/** A request that both servers get. */
export interface ParityCase {
  readonly name: string;
  /** What is sent; parts after the first wait for something to come back. */
  readonly parts: readonly Uint8Array[];
  readonly options?: ExchangeOptions;
  /** Compares answers without their numbers, which depend on the time. */
  readonly structureOnly?: boolean;
}

/** Header lines. */
export type Headers = readonly (readonly [string, string])[];

/** A request without a body. */
export function get(target: string, headers: Headers = []): ParityCase {
  return { name: `GET ${target}`, parts: [request({ target, headers })] };
}

/** A request with a body. The name says what is special about it. */
export function post(
  name: string,
  target: string,
  body: Uint8Array | string = "",
  headers: Headers = [],
): ParityCase {
  return { name, parts: [request({ method: "POST", target, headers, body })] };
}

/** Bytes as they are. */
export function wire(
  name: string,
  text: string | readonly string[],
  options?: ExchangeOptions,
): ParityCase {
  const parts = typeof text === "string" ? [text] : text;
  return { name, parts: parts.map((part) => utf8(part)), options };
}
