/**
 * Forwarding of request headers to the model as string parameters.
 *
 * @module
 */
import type { ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";

const RESERVED: ReadonlySet<string> = new Set([
  "sequence_id",
  "sequence_start",
  "sequence_end",
  "priority",
  "timeout",
  "headers",
  "binary_data_output",
]);

/**
 * The expression for a header-forward pattern: undefined for the empty one, which forwards nothing.
 *
 * Names are spelled as the client sent them, in any case. So case is ignored, unless a text begins with
 * `(?-i)`; `(?i)`, which Triton's command line puts before every pattern, is understood. A RegExp is
 * taken as it is.
 *
 * @throws {TritonError} INVALID_ARG when `pattern` is no regular expression.
 */
export function headerPattern(pattern: string | RegExp): RegExp | undefined {
  if (pattern instanceof RegExp) return pattern;
  if (pattern === "") return undefined;
  const [prefixes] = /^(?:\(\?-?i\))*/.exec(pattern)!;
  const source = pattern.slice(prefixes.length);
  const flags = prefixes.endsWith("(?-i)") ? "" : "i";
  try {
    return new RegExp(source, flags);
  } catch (reason) {
    throw new TritonError(
      "INVALID_ARG",
      `headerForwardPattern '${pattern}' is no regular expression: ${(reason as Error).message}`,
      { cause: reason },
    );
  }
}

/**
 * The headers whose name `pattern` finds, as parameters of the name as it was sent.
 *
 * @throws {TritonError} INVALID_ARG when such a name is reserved for Triton's own parameters.
 */
export function forwardedHeaders(
  headers: Iterable<readonly [string, string]>,
  pattern: RegExp | undefined,
): (readonly [string, ParameterValue])[] {
  const forwarded: [string, string][] = [];
  if (pattern === undefined) return forwarded;
  for (const [name, value] of headers) {
    pattern.lastIndex = 0; // a global or sticky expression would go on from its last match
    if (!pattern.test(name)) continue;
    if (RESERVED.has(name) || name.startsWith("triton_")) {
      throw new TritonError(
        "INVALID_ARG",
        `Header '${name}' is reserved for Triton usage and cannot be forwarded.`,
      );
    }
    forwarded.push([name, value]);
  }
  return forwarded;
}
