/**
 * The shared-memory regions of the main thread, as the requests of another one use them.
 *
 * @module
 */
import type { Library } from "../../ffi/library.ts";
import { RegionTable } from "../kserve/region_table.ts";
import type { SharedRegion } from "../threads/threads.ts";

/** See the module. */
export class ThreadRegions {
  /** Where requests find the regions. */
  readonly table: RegionTable = new RegionTable();
  readonly #library: Library;
  readonly #onLeft: (name: string) => void;

  /** `onLeft` is told of each region that was taken back and that no request uses any more. */
  constructor(library: Library, onLeft: (name: string) => void) {
    this.#library = library;
    this.#onLeft = onLeft;
  }

  /** Lets requests use a region, unless they can. */
  add({ name, byteSize, handle, address, gpu }: SharedRegion): void {
    if (this.table.has(name)) return;
    const holds = (size: number) => this.#library.memory.holds(handle, size);
    const onLeft = () => this.#onLeft(name);
    this.table.add({ name, byteSize, memory: { address, gpu, holds }, onLeft });
  }

  /** Takes a region back. */
  remove(name: string): void {
    this.table.remove(name);
  }
}
