/**
 * What one request uses of the shared-memory regions.
 *
 * @module
 */
import type { EngineRequest, Int64, MemorySlice } from "../engine.ts";
import type { RegionLease, RegionSource } from "./shared_memory.ts";

/** Collects the places that a request names while it is read, and ends the use of all of them at once. */
export class RegionLeases {
  readonly #regions: RegionSource;
  #leases: RegionLease[] = [];

  /** Of `regions`, where names are looked up. */
  constructor(regions: RegionSource) {
    this.#regions = regions;
  }

  /** Whether the request names any place. */
  get areUsed(): boolean {
    return this.#leases.length > 0;
  }

  /** A place in the region called `name`. Throws as {@link RegionSource.lease} does. */
  find(name: string, offset: Int64, byteSize: Int64): MemorySlice {
    const lease = this.#regions.lease(name, offset, byteSize);
    this.#leases.push(lease);
    return lease.slice;
  }

  /**
   * The request that `read` makes with these leases. They end when the engine has released it, or at once
   * when `read` throws.
   */
  hold<Result extends { readonly request: EngineRequest }>(read: () => Result): Result {
    let result: Result;
    try {
      result = read();
    } catch (reason) {
      this.#release();
      throw reason;
    }
    if (this.#leases.length === 0) return result;
    return { ...result, request: { ...result.request, onReleased: () => this.#release() } };
  }

  #release(): void {
    const leases = this.#leases;
    this.#leases = [];
    for (const lease of leases) lease.release();
  }
}
