/**
 * What waits to be sent on a connection, gathered in blocks of memory that are used again.
 *
 * @module
 */
import type { Connection } from "../../net/connection.ts";
import { HEADER_SIZE, writeFrameHeader } from "./frames.ts";

/** Room for a response of 64 KiB with all its frames, which then takes one write. */
const BLOCK_SIZE = 131072;
/** How many free blocks are kept. */
const MAX_FREE = 32;

const free: Block[] = [];

/** A piece of memory whose parts are sent one after the other. */
class Block {
  readonly bytes = new Uint8Array(BLOCK_SIZE);
  /** Where the part begins that was not handed to the connection. */
  start = 0;
  /** Where free space begins. */
  end = 0;
  /** Parts that the connection has not sent yet. */
  parts = 0;
  output: Output | undefined;
  /** Given to the connection with each part. */
  readonly sent = (): void => {
    this.parts -= 1;
    this.output?.sent(this);
  };
}

/** Longer payloads begin in whatever room there is. */
const MAX_UNDIVIDED = 16384;

/** The frames that wait to be sent on `connection`. */
export class Output {
  readonly #connection: Connection;
  readonly #onSent: () => void;
  #block: Block | undefined;

  /** `onSent` is called when something has gone out. */
  constructor(connection: Connection, onSent: () => void) {
    this.#connection = connection;
    this.#onSent = onSent;
  }

  /** Bytes that have not gone out, here or in the connection. */
  get unsent(): number {
    const block = this.#block;
    const waiting = block === undefined ? 0 : block.end - block.start;
    return waiting + this.#connection.unsent;
  }

  /** Whether {@link flush} has something to do. */
  get isEmpty(): boolean {
    const block = this.#block;
    return block === undefined || block.end === block.start;
  }

  /**
   * A frame with the bytes of `source` from `start` to `end` as its payload, which are copied.
   */
  frame(
    type: number,
    flags: number,
    stream: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): void {
    const length = end - start;
    let block = this.#blockFor(HEADER_SIZE + Math.min(length, MAX_UNDIVIDED));
    writeFrameHeader(block.bytes, block.end, length, type, flags, stream);
    block.end += HEADER_SIZE;
    for (let at = start; at < end;) {
      block = this.#blockFor(1);
      const stop = Math.min(end, at + BLOCK_SIZE - block.end);
      const isWhole = stop - at === source.length;
      block.bytes.set(isWhole ? source : source.subarray(at, stop), block.end);
      block.end += stop - at;
      at = stop;
    }
  }

  /** Hands what was gathered to the connection. */
  flush(): void {
    const block = this.#block;
    if (block === undefined || block.start === block.end) return;
    const part = block.bytes.subarray(block.start, block.end);
    block.start = block.end;
    block.parts += 1;
    this.#connection.write(part, block.sent);
  }

  /** Lets go of the memory, once nothing will be written any more. */
  close(): void {
    if (this.#block !== undefined) this.#block.start = this.#block.end;
    this.#leave();
  }

  /** Called by a block when one of its parts has gone out. A connection at rest holds no block. */
  sent(block: Block): void {
    if (block.parts === 0 && block.start === block.end) {
      if (block === this.#block) this.#block = undefined;
      recycle(block);
    }
    this.#onSent();
  }

  /** The block that is being filled, or a new one where that has not so much room. */
  #blockFor(size: number): Block {
    let block = this.#block;
    if (block === undefined || block.end + size > BLOCK_SIZE) {
      this.flush();
      this.#leave();
      block = this.#block = free.pop() ?? new Block();
      block.output = this;
    }
    return block;
  }

  #leave(): void {
    const block = this.#block;
    this.#block = undefined;
    if (block?.parts === 0) recycle(block);
  }
}

function recycle(block: Block): void {
  block.output = undefined;
  block.start = block.end = 0;
  if (free.length < MAX_FREE) free.push(block);
}
