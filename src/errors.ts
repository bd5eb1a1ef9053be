/**
 * The one error class of this project, carrying Triton's error code, and the two maps from that code
 * to the wire: HTTP status and gRPC status.
 *
 * @module
 */

/** Triton's error codes by name, as in `TRITONSERVER_Error_Code` of tritonserver.h. */
export type TritonErrorCode =
  | "UNKNOWN"
  | "INTERNAL"
  | "NOT_FOUND"
  | "INVALID_ARG"
  | "UNAVAILABLE"
  | "UNSUPPORTED"
  | "ALREADY_EXISTS"
  | "CANCELLED";

/** The C enumeration's order: index = numeric code. */
const CODES: readonly TritonErrorCode[] = [
  "UNKNOWN",
  "INTERNAL",
  "NOT_FOUND",
  "INVALID_ARG",
  "UNAVAILABLE",
  "UNSUPPORTED",
  "ALREADY_EXISTS",
  "CANCELLED",
];

/**
 * An error of Triton itself, or of a front end in Triton's terms.
 *
 * `message` is Triton's text, unchanged, because clients match on it; `code` says what kind it is.
 *
 * @example
 * ```ts
 * import { TritonError } from "@triton-ts/frontend";
 *
 * const error = new TritonError("NOT_FOUND", "Request for unknown model: 'm' is not found");
 * console.log(error.code, error.httpStatus); // NOT_FOUND 404
 * ```
 */
export class TritonError extends Error {
  /** Always `"TritonError"`. */
  override name = "TritonError";
  /** What kind of error this is. */
  readonly code: TritonErrorCode;

  /** Makes an error with Triton's `code` and text; `options.cause` keeps the reason, if any. */
  constructor(code: TritonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** The status with which Triton's HTTP front end answers this code (400, 404, 500, 501 or 503). */
  get httpStatus(): number {
    return HTTP_STATUS[this.code];
  }

  /** The gRPC status number with which Triton's gRPC front end answers this code. */
  get grpcStatus(): number {
    return GRPC_STATUS[this.code];
  }

  /** The error for the C library's numeric `code`; numbers that it does not define are UNKNOWN. */
  static fromNumber(code: number, message: string): TritonError {
    return new TritonError(CODES[code] ?? "UNKNOWN", message);
  }

  /** `reason` itself if it is a TritonError, else an INTERNAL error with its text and it as cause. */
  static from(reason: unknown): TritonError {
    if (reason instanceof TritonError) return reason;
    const text = reason instanceof Error ? reason.message : String(reason);
    return new TritonError("INTERNAL", text, { cause: reason });
  }
}

const HTTP_STATUS: Record<TritonErrorCode, number> = {
  UNKNOWN: 400,
  INTERNAL: 500,
  NOT_FOUND: 404,
  INVALID_ARG: 400,
  UNAVAILABLE: 503,
  UNSUPPORTED: 501,
  ALREADY_EXISTS: 400,
  CANCELLED: 400,
};

const GRPC_STATUS: Record<TritonErrorCode, number> = {
  UNKNOWN: 2,
  INTERNAL: 13,
  NOT_FOUND: 5,
  INVALID_ARG: 3,
  UNAVAILABLE: 14,
  UNSUPPORTED: 12,
  ALREADY_EXISTS: 6,
  CANCELLED: 1,
};
