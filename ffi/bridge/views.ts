/**
 * Views of the bridge's output memory. The bridge uses its memory again, so the views are used again too: a
 * runtime takes each new one for as much memory, and collects garbage when it has seen enough of it.
 *
 * @module
 */

const MAX_VIEWS = 512;

/** Remembers the views that it has made. */
export class ViewCache {
  readonly #make: (address: number, byteSize: number) => Uint8Array;
  readonly #views = new Map<number, Uint8Array>();

  constructor(make: (address: number, byteSize: number) => Uint8Array) {
    this.#make = make;
  }

  /** The memory itself, which must be there: what lay at that address before does not matter. */
  view(address: number, byteSize: number): Uint8Array {
    const known = this.#views.get(address);
    if (known !== undefined && known.length >= byteSize) return known.subarray(0, byteSize);
    const view = this.#make(address, byteSize);
    if (known === undefined && this.#views.size >= MAX_VIEWS) this.#views.clear();
    this.#views.set(address, view);
    return view;
  }
}
