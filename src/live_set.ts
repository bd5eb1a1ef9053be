/**
 * Sets of what is under way: requests, calls. They change with every request, which a `Set` of V8 does not
 * bear well: its old tables keep alive what was in them until the next full collection of garbage.
 *
 * @module
 */

/** What can be in a {@link LiveSet}, in one at a time. */
export interface Live {
  /** Its place in the set; -1 in none. Only the set writes it. */
  liveIndex: number;
}

/** A set without an order. */
export class LiveSet<T extends Live> {
  readonly #items: T[] = [];

  /** How many there are. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds what is in no set. */
  add(item: T): void {
    item.liveIndex = this.#items.length;
    this.#items.push(item);
  }

  /** Whether it is in the set. */
  has(item: T): boolean {
    return item.liveIndex >= 0;
  }

  /** Takes it out, if it is in the set. */
  delete(item: T): void {
    const index = item.liveIndex;
    if (index < 0) return;
    const last = this.#items.pop() as T;
    this.#items[index] = last;
    last.liveIndex = index;
    if (last === item) this.#items.length = index;
    item.liveIndex = -1;
  }

  /** All of them, for a walk during which they may leave. */
  all(): T[] {
    return this.#items.slice();
  }
}
