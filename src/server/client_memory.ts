/**
 * The memory of clients that a server has mapped.
 *
 * @module
 */
import type { Library } from "../../ffi/library.ts";
import type { ClientMemory, Int64, MappedMemory, MappingFailure } from "../engine.ts";

/** Maps for one server, and knows what is mapped, so that all of it can be given back. */
export class ServerMemory implements ClientMemory {
  readonly #library: () => Library;
  readonly #mapped = new Set<MappedMemory>();

  /** `library` throws while the server does not run. */
  constructor(library: () => Library) {
    this.#library = library;
  }

  mapSystem(key: string, offset: Int64, byteSize: Int64): MappedMemory | MappingFailure {
    return this.#keep(this.#library().memory.mapSystem(key, offset, byteSize));
  }

  mapCuda(handle: Uint8Array, deviceId: Int64, byteSize: Int64): MappedMemory | MappingFailure {
    return this.#keep(this.#library().memory.mapCuda(handle, deviceId, byteSize));
  }

  /** Unmaps everything. Only when no request runs any more. */
  unmapAll(): void {
    for (const mapped of this.#mapped) mapped.unmap();
  }

  #keep(made: MappedMemory | MappingFailure): MappedMemory | MappingFailure {
    if ("failure" in made) return made;
    const mapped: MappedMemory = {
      handle: made.handle,
      address: made.address,
      gpu: made.gpu,
      holds: (byteSize) => made.holds(byteSize),
      unmap: () => {
        this.#mapped.delete(mapped);
        made.unmap();
      },
    };
    this.#mapped.add(mapped);
    return mapped;
  }
}
