/**
 * The golden cases that are answered otherwise than Triton 2.51 did, with what is answered instead. Each
 * is listed in docs/deviations.md.
 *
 * @module
 */

/** How a case differs from the recorded answer. */
export interface Deviation {
  /** The parts of the answer that differ. */
  readonly answer?: {
    readonly status?: number;
    readonly contentType?: string;
    readonly headerLength?: string | undefined;
    readonly body?: string;
  };
  /** Whether only the case of letters differs. */
  readonly ignoreCase?: boolean;
}

const JSON_TYPE = "application/json";

function error(status: number, message: string, contentType = JSON_TYPE): Deviation {
  const body = `{"error":${JSON.stringify(message)}}`;
  return { answer: { status, contentType, headerLength: undefined, body } };
}

const SHAPE_MISMATCH = error(
  500,
  "Failed to parse 'data' field: shape does not match true shape",
);

/** By the names of the cases. */
export const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  // What newer Triton servers (2.73) answer.
  "infer-duplicate-output-2_51-accepts": error(
    400,
    "[request id: <id_unknown>] output 'OUTPUT0' already exists in request",
  ),
  "json-too-few": SHAPE_MISMATCH,
  "json-nesting-120": error(
    400,
    "Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit (100)",
  ),
  "binary-header-length-not-number": error(
    400,
    "Unable to parse Inference-Header-Content-Length, got: abc",
    "text/plain",
  ),
  "repo-index-ready-not-bool": error(400, "Invalid value for 'ready': expected a boolean"),

  // Mistakes of 2.51: the status of a generate request that failed.
  "gen-model-error": { answer: { status: 404 } },
  "gen-decoupled-two-responses": { answer: { status: 500 } },

  // The runtimes hand out header names in lower case.
  "header-forward": { ignoreCase: true },
  "header-forward-unanchored": { ignoreCase: true },
};
