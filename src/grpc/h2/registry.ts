/**
 * The streams of a connection: those that are open, and what is remembered of those that were.
 *
 * @module
 */
import type { H2Stream } from "./stream.ts";
import { StreamTable } from "./stream_table.ts";

/** How many of the streams that ended last are known. */
const REMEMBERED = 64;

/** How many of the streams that we have reset are known. Their clients learn of it a while later. */
const REMEMBERED_RESETS = 10_000;

/** See the module. */
export class StreamRegistry {
  readonly #open = new StreamTable<H2Stream>();
  readonly #ended = new Uint32Array(REMEMBERED);
  readonly #reset = new Set<number>();
  #nextEnded = 0;

  /** The largest id of a stream that the client has opened. */
  last = 0;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): H2Stream | undefined {
    return this.#open.get(id);
  }

  add(stream: H2Stream): void {
    this.#open.add(stream);
  }

  /** All that are open, for a walk during which they may end. */
  all(): H2Stream[] {
    return this.#open.values();
  }

  remove(id: number): void {
    this.#open.delete(id);
    this.#ended[this.#nextEnded] = id;
    this.#nextEnded = (this.#nextEnded + 1) % REMEMBERED;
  }

  /** We have reset the stream: what is still under way for it is no fault. */
  rememberReset(id: number): void {
    this.#reset.add(id);
    if (this.#reset.size <= REMEMBERED_RESETS) return;
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest);
      return;
    }
  }

  /** Whether the client cannot have opened this stream yet. */
  isIdle(id: number): boolean {
    return id > this.last || id % 2 === 0;
  }

  /** Whether we have reset the stream, as far as is known. */
  wasReset(id: number): boolean {
    return this.#reset.has(id);
  }

  /** Whether the stream was open lately. */
  hasEnded(id: number): boolean {
    return this.#ended.includes(id);
  }
}
