/**
 * The frames of HTTP/2 (RFC 9113): their numbers, and the errors that end a connection.
 *
 * @module
 */

/** What every connection of a client begins with. */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** The bytes before each payload. */
export const HEADER_SIZE = 9;

/** The longest payload that may be sent to us: the default, which is never announced. */
export const MAX_FRAME_SIZE = 16384;

/** The window that both sides begin with. */
export const DEFAULT_WINDOW = 65535;

/** The largest window, and the largest stream id. */
export const MAX_31 = 0x7fffffff;

/** The types of frames. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** The flags of frames. */
export const Flag = {
  NONE: 0,
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** The error codes of RST_STREAM and GOAWAY that are used here. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** A fault of the peer that ends the connection. */
export class ConnectionError extends Error {
  /** One of {@link ErrorCode}. */
  readonly code: number;

  /** Makes the error that a GOAWAY with `code` and `message` tells the peer. */
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The 32 bits at `at`, without a sign. */
export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** The 31 bits at `at`: the topmost bit of 32 is reserved. */
export function uint31(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) & MAX_31;
}

/** Writes 32 bits to `at`. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes the header of a frame with a payload of `length` bytes to `at`. */
export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, stream);
}
