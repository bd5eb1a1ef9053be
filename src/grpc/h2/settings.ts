/**
 * SETTINGS: what we tell a peer, and what it tells us.
 *
 * @module
 */
import { MAX_HEADER_LIST } from "./header_blocks.ts";
import {
  ConnectionError,
  DEFAULT_WINDOW,
  ErrorCode,
  MAX_31,
  uint32,
  writeUint32,
} from "./frames.ts";

/** Bytes that a client may send on a stream before the call has taken any of them. */
export const STREAM_WINDOW = 4 << 20;

/** Bytes that a client may send on all streams. What has arrived is given back at once. */
export const CONNECTION_WINDOW = 64 << 20;

/** How many streams a connection may have open. */
export const MAX_STREAMS = 10_000;

const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

const ENTRY_SIZE = 6;

/** The payload of our only SETTINGS. */
export const OWN_SETTINGS: Uint8Array = encode([
  [Setting.MAX_CONCURRENT_STREAMS, MAX_STREAMS],
  [Setting.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
  [Setting.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST],
]);

function encode(entries: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * ENTRY_SIZE);
  for (const [index, [id, value]] of entries.entries()) {
    bytes[index * ENTRY_SIZE + 1] = id;
    writeUint32(bytes, index * ENTRY_SIZE + 2, value);
  }
  return bytes;
}

/** The settings of a peer that matter for what is sent to it. */
export interface PeerSettings {
  /** The size of the table that it lets us use for header blocks, of which we use none. */
  headerTableSize: number;
  initialWindow: number;
  maxFrameSize: number;
}

/** What holds until a peer says something else. */
export function defaultSettings(): PeerSettings {
  return { headerTableSize: 4096, initialWindow: DEFAULT_WINDOW, maxFrameSize: 16384 };
}

/**
 * Takes the SETTINGS from `start` to `end` over into `settings`.
 *
 * @throws {ConnectionError} when they are none.
 */
export function readSettings(
  settings: PeerSettings,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if ((end - start) % ENTRY_SIZE !== 0) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
  }
  for (let at = start; at < end; at += ENTRY_SIZE) {
    const id = (bytes[at] << 8) | bytes[at + 1];
    const value = uint32(bytes, at + 2);
    if (id === Setting.HEADER_TABLE_SIZE) {
      settings.headerTableSize = value;
    } else if (id === Setting.ENABLE_PUSH) {
      if (value > 1) throw outOfRange("ENABLE_PUSH");
    } else if (id === Setting.INITIAL_WINDOW_SIZE) {
      if (value > MAX_31) {
        throw new ConnectionError(
          ErrorCode.FLOW_CONTROL_ERROR,
          "INITIAL_WINDOW_SIZE out of range",
        );
      }
      settings.initialWindow = value;
    } else if (id === Setting.MAX_FRAME_SIZE) {
      if (value < 16384 || value > 0xffffff) throw outOfRange("MAX_FRAME_SIZE");
      settings.maxFrameSize = value;
    }
  }
}

function outOfRange(name: string): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${name} out of range`);
}
