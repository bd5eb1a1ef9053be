/**
 * The open streams of a connection by their ids: a hash table in two arrays, because a `Map` of V8 keeps
 * what has left it alive for too long (see `live_set.ts`).
 *
 * @module
 */

/** What has an id above 0. */
interface Identified {
  readonly id: number;
}

const LEAST_SLOTS = 16;

/** See the module. */
export class StreamTable<T extends Identified> {
  /** Open addressing: a thing lies in its own slot or in the next free one. */
  #slots: (T | undefined)[] = new Array(LEAST_SLOTS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#slots[this.#slotOf(id)];
  }

  /** Adds what is not there yet. */
  add(item: T): void {
    if (2 * ++this.#size > this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(item.id)] = item;
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(id);
    if (slots[hole] === undefined) return;
    this.#size--;
    slots[hole] = undefined;
    // Those behind it that were displaced move up.
    for (let slot = (hole + 1) & mask;; slot = (slot + 1) & mask) {
      const item = slots[slot];
      if (item === undefined) return;
      const own = ownSlot(item.id, mask);
      if (((slot - own) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = item;
      slots[slot] = undefined;
      hole = slot;
    }
  }

  values(): T[] {
    return this.#slots.filter((item) => item !== undefined);
  }

  /** Where the thing of that id lies, or would lie. */
  #slotOf(id: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = ownSlot(id, mask);; slot = (slot + 1) & mask) {
      const item = slots[slot];
      if (item === undefined || item.id === id) return slot;
    }
  }

  #grow(): void {
    const items = this.values();
    this.#slots = new Array(2 * this.#slots.length).fill(undefined);
    for (const item of items) this.#slots[this.#slotOf(item.id)] = item;
  }
}

/** The ids of a client's streams are odd and follow each other. */
function ownSlot(id: number, mask: number): number {
  return (id >>> 1) & mask;
}
