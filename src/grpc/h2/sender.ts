/**
 * What a connection sends: header blocks, data within the peer's windows, and control frames.
 *
 * @module
 */
import type { Connection } from "../../net/connection.ts";
import type { Fields } from "../transport.ts";
import {
  ConnectionError,
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  FrameType,
  MAX_31,
  MAX_FRAME_SIZE,
  writeUint32,
} from "./frames.ts";
import { headerBlock } from "./hpack_encoder.ts";
import { Output } from "./output.ts";
import { defaultSettings, readSettings } from "./settings.ts";

/** The sending side of a stream. */
export interface SendingStream {
  readonly id: number;
  /** Bytes that the peer takes at present; may be negative. */
  sendWindow: number;
  /** Sends what waits, up to `budget` bytes. */
  sendMore(budget: number): void;
}

/** Data waits in its streams while so much has not gone out. */
const MAX_UNSENT = 1 << 20;
/** A peer for whom more than this waits does not read, though it makes us write. */
const ABUSE_UNSENT = 16 << 20;
/** The largest frame that is sent, even where the peer takes larger ones: others want their turn. */
const MAX_SENT_FRAME = 1 << 18;
/** What a stream may send before it is another's turn. */
const TURN = 1 << 16;

const NOTHING = new Uint8Array(0);
/** The first byte of a header block which says that the dynamic table has no room. */
const NO_TABLE = Uint8Array.of(0x20);

/** The sending side of one connection. */
export class Sender {
  /** Counts the frames with headers and data. */
  activity = 0;
  readonly #output: Output;
  readonly #settings = defaultSettings();
  /** Streams that have data to send for which only the connection has no room. */
  readonly #waiting = new Set<SendingStream>();
  readonly #small = new Uint8Array(8);
  #window = DEFAULT_WINDOW;
  #tableChanged = false;

  /** `onRoom` is called when streams wait and there may be room for what they have. */
  constructor(connection: Connection, onRoom: () => void) {
    this.#output = new Output(connection, () => {
      if (this.#waiting.size > 0 && this.#window > 0) onRoom();
    });
  }

  /** The window that streams begin with. */
  get initialWindow(): number {
    return this.#settings.initialWindow;
  }

  /** Whether the peer leaves more unread than any use of the protocol explains. */
  get isStuck(): boolean {
    return this.#output.unsent > ABUSE_UNSENT;
  }

  /** Hands everything to the connection. */
  flush(): void {
    this.#output.flush();
  }

  /** Forgets everything: the connection is gone. */
  close(): void {
    this.#waiting.clear();
    this.#output.close();
  }

  /** A header block, in as many frames as it needs. */
  headers(stream: number, fields: Fields, end: boolean): void {
    this.activity += 1;
    let block = headerBlock(fields);
    if (this.#tableChanged) {
      this.#tableChanged = false;
      block = Uint8Array.of(...NO_TABLE, ...block);
    }
    const flags = end ? Flag.END_STREAM : Flag.NONE;
    if (block.length <= MAX_FRAME_SIZE) {
      this.#output.frame(
        FrameType.HEADERS,
        flags | Flag.END_HEADERS,
        stream,
        block,
        0,
        block.length,
      );
      return;
    }
    for (let start = 0; start < block.length; start += MAX_FRAME_SIZE) {
      const rest = Math.min(start + MAX_FRAME_SIZE, block.length);
      this.#output.frame(
        start === 0 ? FrameType.HEADERS : FrameType.CONTINUATION,
        (start === 0 ? flags : Flag.NONE) | (rest === block.length ? Flag.END_HEADERS : Flag.NONE),
        stream,
        block,
        start,
        rest,
      );
    }
  }

  /**
   * Sends `chunk` from `start` on, as far as there is room, and at most `budget` bytes. Returns where it
   * stopped. A stream that could go on is told later by its `sendMore()`.
   */
  data(stream: SendingStream, chunk: Uint8Array, start: number, budget: number): number {
    const stop = Math.min(chunk.length, start + budget);
    const maxFrame = Math.min(this.#settings.maxFrameSize, MAX_SENT_FRAME);
    let at = start;
    while (at < stop) {
      const window = Math.min(this.#window, stream.sendWindow);
      if (window <= 0 || this.#isFull) break;
      const end = Math.min(stop, at + Math.min(window, maxFrame));
      this.activity += 1;
      this.#output.frame(FrameType.DATA, Flag.NONE, stream.id, chunk, at, end);
      this.#window -= end - at;
      stream.sendWindow -= end - at;
      at = end;
    }
    if (at < chunk.length) this.resume(stream);
    return at;
  }

  /** The stream has data to send, unless its own window is closed. */
  resume(stream: SendingStream): void {
    if (stream.sendWindow > 0) this.#waiting.add(stream);
  }

  /** The stream has nothing to send any more. */
  forget(stream: SendingStream): void {
    this.#waiting.delete(stream);
  }

  /** Lets the streams that wait go on in turn, if there is room now. */
  progress(): void {
    while (this.#waiting.size > 0 && this.#window > 0 && !this.#isFull) {
      const [stream] = this.#waiting;
      this.#waiting.delete(stream);
      stream.sendMore(TURN);
    }
  }

  /** The peer takes `increment` bytes more on the whole connection. */
  widen(increment: number): void {
    this.#window += increment;
    if (this.#window > MAX_31) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window too large");
    }
    this.progress();
  }

  /** Takes the peer's SETTINGS, confirms them, and returns by how much all streams' windows change. */
  takeSettings(bytes: Uint8Array, start: number, end: number): number {
    const { initialWindow, headerTableSize } = this.#settings;
    readSettings(this.#settings, bytes, start, end);
    if (this.#settings.headerTableSize < headerTableSize) this.#tableChanged = true;
    this.control(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
    return this.#settings.initialWindow - initialWindow;
  }

  /** Any other frame. */
  control(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.#output.frame(type, flags, stream, payload, 0, payload.length);
  }

  /** RST_STREAM. */
  reset(stream: number, code: number): void {
    this.#number(FrameType.RST_STREAM, stream, code);
  }

  /** WINDOW_UPDATE. */
  giveBack(stream: number, bytes: number): void {
    this.#number(FrameType.WINDOW_UPDATE, stream, bytes);
  }

  /** GOAWAY. */
  goAway(lastStream: number, code: number, text: string): void {
    const debug = new TextEncoder().encode(text);
    const payload = new Uint8Array(8 + debug.length);
    writeUint32(payload, 0, lastStream);
    writeUint32(payload, 4, code);
    payload.set(debug, 8);
    this.control(FrameType.GOAWAY, Flag.NONE, 0, payload);
  }

  #number(type: number, stream: number, value: number): void {
    writeUint32(this.#small, 0, value);
    this.#output.frame(type, Flag.NONE, stream, this.#small, 0, 4);
  }

  get #isFull(): boolean {
    return this.#output.unsent > MAX_UNSENT;
  }
}
