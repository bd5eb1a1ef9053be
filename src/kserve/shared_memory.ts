/**
 * Shared-memory regions: memory that a client has registered by name, for tensors to lie in.
 *
 * @module
 */
import type { Int64, MemorySlice } from "../engine.ts";
import { TritonError } from "../errors.ts";

/** Where a region comes from. Regions of both kinds share their names. */
export type RegionKind = "system" | "cuda";

/** A registered region of system memory, as its status shows it. */
export interface SystemRegion {
  /** The name under which the client registered it. */
  readonly name: string;
  /** The name of the shared-memory object, as `shm_open` takes it. */
  readonly key: string;
  /** Where the region begins in the object, in bytes. */
  readonly offset: Int64;
  /** The region's size in bytes. */
  readonly byteSize: Int64;
}

/** A registered region of a GPU's memory, as its status shows it. */
export interface CudaRegion {
  /** The name under which the client registered it. */
  readonly name: string;
  /** The GPU's number. */
  readonly deviceId: Int64;
  /** The region's size in bytes. */
  readonly byteSize: Int64;
}

/** A place in a region, which stays mapped until it is released. */
export interface RegionLease {
  /** The place. */
  readonly slice: MemorySlice;
  /** Ends the use. Must be called once. */
  release(): void;
}

/** Where the requests of a thread find regions. */
export interface RegionSource {
  /**
   * The memory of `byteSize` bytes from `offset` on in the region called `name`, for a request to use.
   * Throws a TritonError with Triton's text.
   */
  lease(name: string, offset: Int64, byteSize: Int64): RegionLease;
}

/**
 * The regions of a server. Every method throws, or rejects with, a TritonError with Triton's text; names that are
 * unknown are NOT_FOUND, except where they are to be unregistered, which is no error.
 */
export interface SharedMemoryRegions extends RegionSource {
  /** Whether clients may register regions; when not, those methods throw UNSUPPORTED. */
  readonly isEnabled: boolean;
  /** Maps a shared-memory object and registers it as `region.name`. */
  registerSystem(region: SystemRegion): Promise<void>;
  /** Opens the GPU memory of a 64-byte CUDA IPC handle and registers it as `region.name`. */
  registerCuda(region: CudaRegion, handle: Uint8Array): Promise<void>;
  /** The system regions by name, or the one called `name`. */
  systemStatus(name?: string): SystemRegion[];
  /** The CUDA regions by name, or the one called `name`. */
  cudaStatus(name?: string): CudaRegion[];
  /**
   * Takes a region of `kind` out, or all of that kind. One that requests use goes when the last of them
   * has ended, and can be used and seen until then.
   */
  unregister(kind: RegionKind, name?: string): Promise<void>;
}

/** The regions of a server, for a front end whose clients may not register or unregister any. */
export class ReadOnlySharedMemory implements SharedMemoryRegions {
  /** Always false. */
  readonly isEnabled = false;
  readonly #regions: SharedMemoryRegions;

  /** `regions` are those that other front ends of the server may register. */
  constructor(regions: SharedMemoryRegions) {
    this.#regions = regions;
  }

  /** See {@link SharedMemoryRegions.lease}. */
  lease(name: string, offset: Int64, byteSize: Int64): RegionLease {
    return this.#regions.lease(name, offset, byteSize);
  }

  /** Always rejects with UNSUPPORTED. */
  registerSystem(): Promise<void> {
    return Promise.reject(disabledError());
  }

  /** Always rejects with UNSUPPORTED. */
  registerCuda(): Promise<void> {
    return Promise.reject(disabledError());
  }

  /** See {@link SharedMemoryRegions.systemStatus}. */
  systemStatus(name?: string): SystemRegion[] {
    return this.#regions.systemStatus(name);
  }

  /** See {@link SharedMemoryRegions.cudaStatus}. */
  cudaStatus(name?: string): CudaRegion[] {
    return this.#regions.cudaStatus(name);
  }

  /** Always rejects with UNSUPPORTED. */
  unregister(): Promise<void> {
    return Promise.reject(disabledError());
  }
}

function disabledError(): TritonError {
  return new TritonError(
    "UNSUPPORTED",
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
}
