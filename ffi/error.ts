/**
 * The error of the C library as it comes over the boundary: the numeric code and the text. `src/` turns
 * it into a TritonError.
 *
 * @module
 */

/** An error that the C library returned. */
export class NativeError extends Error {
  override name = "NativeError";
  /** `TRITONSERVER_Error_Code`. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
