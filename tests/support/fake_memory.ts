/**
 * Client memory for unit tests: objects are sizes by name, and what is mapped can be counted.
 *
 * @module
 */
import type { ClientMemory, Int64, MappedMemory, MappingFailure } from "../../src/engine.ts";

const PAGE = 4096;

/** See the module. */
export class FakeMemory implements ClientMemory {
  /** The sizes of the shared-memory objects that there are, by name without a slash. */
  readonly objects = new Map<string, number>();
  /** How many mappings there are. */
  mapped = 0;
  /** Where the next mapping will be. */
  nextAddress = 16 * PAGE;
  /** Whether there is a GPU. Its memory is of one page. */
  hasGpu = false;

  mapSystem(key: string, offset: Int64, byteSize: Int64): MappedMemory | MappingFailure {
    const object = key.replace(/^\/+/, "");
    const size = this.objects.get(object);
    if (size === undefined) return { failure: "open", reason: "No such file or directory" };
    const end = BigInt(offset) + BigInt(byteSize);
    if (end > size) return { failure: "range", reason: "Invalid argument" };
    if (Number(offset) % PAGE !== 0 || byteSize == 0) {
      return { failure: "map", reason: "Invalid argument" };
    }
    return this.#map((bytes) => Number(offset) + bytes <= (this.objects.get(object) ?? 0));
  }

  mapCuda(_handle: Uint8Array, deviceId: Int64, byteSize: Int64): MappedMemory | MappingFailure {
    if (!this.hasGpu) return { failure: "open", reason: "No such device" };
    if (byteSize > PAGE) return { failure: "range", reason: "Invalid argument" };
    return this.#map(() => true, Number(deviceId));
  }

  #map(holds: (byteSize: number) => boolean, gpu?: number): MappedMemory {
    const address = this.nextAddress;
    this.nextAddress += 16 * PAGE;
    this.mapped++;
    let isMapped = true;
    return {
      handle: 0,
      address,
      gpu,
      holds: (byteSize) => isMapped && holds(byteSize),
      unmap: () => {
        if (isMapped) this.mapped--;
        isMapped = false;
      },
    };
  }
}
