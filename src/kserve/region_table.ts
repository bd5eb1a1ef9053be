/**
 * The shared-memory regions that requests on one thread can use, by name.
 *
 * @module
 */
import type { Int64, MappedMemory } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { RegionLease, RegionSource } from "./shared_memory.ts";

const UINT64_MAX = 2n ** 64n - 1n;

/** A region of the table. */
export interface RegionEntry {
  readonly name: string;
  readonly byteSize: Int64;
  readonly memory: Pick<MappedMemory, "address" | "gpu" | "holds">;
  /** Called when it is out of the table, and nothing uses it any more. */
  readonly onLeft: () => void;
}

interface Place {
  readonly entry: RegionEntry;
  /** By requests that have not ended, and one for as long as it is not to leave. */
  uses: number;
  isLeaving: boolean;
}

/** See the module. */
export class RegionTable implements RegionSource {
  readonly #places = new Map<string, Place>();

  /** Whether there is a region of that name, be it about to leave. */
  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** Adds a region, under a name that no other one has. */
  add(entry: RegionEntry): void {
    this.#places.set(entry.name, { entry, uses: 1, isLeaving: false });
  }

  /** Takes a region out when the last request that uses it has ended; until then others may use it too. */
  remove(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined || place.isLeaving) return;
    place.isLeaving = true;
    this.#release(place);
  }

  /** See {@link RegionSource.lease}. */
  lease(name: string, offset: Int64, byteSize: Int64): RegionLease {
    const place = this.#places.get(name);
    if (place === undefined) {
      throw new TritonError("NOT_FOUND", `Unable to find shared memory region: '${name}'`);
    }
    const { memory } = place.entry;
    const start = unsigned(offset);
    const size = unsigned(byteSize);
    checkPlace(place.entry, start, size);
    const end = Number(start) + Number(size);
    if (!memory.holds(end)) throw endError(name);
    const slice = { address: memory.address + Number(start), byteSize: Number(size) };
    place.uses++;
    return {
      slice: memory.gpu === undefined ? slice : { ...slice, gpu: memory.gpu },
      release: () => this.#release(place),
    };
  }

  #release(place: Place): void {
    if (--place.uses > 0) return;
    this.#places.delete(place.entry.name);
    place.entry.onLeft();
  }
}

/** gRPC's sizes are signed, and mean the unsigned number of the same bits, as in Triton. */
function unsigned(value: Int64): Int64 {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}

function checkPlace({ name, byteSize }: RegionEntry, start: Int64, size: Int64): void {
  if (start >= byteSize) throw invalid(`Invalid offset for shared memory region: '${name}'`);
  const end = BigInt(start) + BigInt(size);
  if (end > UINT64_MAX) {
    throw invalid(
      `Integer overflow detected: byte_size (${size}) + offset (${start}) exceeds maximum value ` +
        `(${UINT64_MAX}) for region '${name}'`,
    );
  }
  if (end > byteSize) throw endError(name);
}

function endError(name: string): TritonError {
  return invalid(`Invalid offset + byte size for shared memory region: '${name}'`);
}

function invalid(message: string): TritonError {
  return new TritonError("INVALID_ARG", message);
}
