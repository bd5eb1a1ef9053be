/**
 * The shared-memory regions that the clients of a server have registered.
 *
 * @module
 */
import type { Engine, Int64, MappedMemory, MappingFailure } from "../engine.ts";
import { TritonError } from "../errors.ts";
import {
  type CudaRegion,
  ReadOnlySharedMemory,
  type RegionKind,
  type RegionLease,
  type SharedMemoryRegions,
  type SystemRegion,
} from "./shared_memory.ts";

/** The Python backend's own objects, which clients must not reach. */
const RESERVED_PREFIX = "triton_python_backend_shm_region_";
const UINT64_MAX = 2n ** 64n - 1n;

/** What both kinds of region have beside what their status shows. */
interface Mapped {
  readonly memory: MappedMemory;
  /** The uses by requests that have not ended. */
  uses: number;
  /** Whether it goes with the end of its last use. */
  isLeaving: boolean;
}

interface System extends Mapped {
  readonly kind: "system";
  readonly region: SystemRegion;
}

interface Cuda extends Mapped {
  readonly kind: "cuda";
  readonly region: CudaRegion;
}

type Entry = System | Cuda;

/** What a registry needs of an engine. */
export type MappingEngine = Pick<Engine, "clientMemory">;

/** By the server's engine. */
const shared = new WeakMap<MappingEngine, SharedMemory>();

/**
 * The regions that the front ends of `engine` share, for one of them. Without `isAllowed` its clients may
 * not register or unregister regions; it still serves those of others.
 */
export function sharedMemoryOf(engine: MappingEngine, isAllowed: boolean): SharedMemoryRegions {
  const regions = shared.get(engine) ?? new SharedMemory(engine);
  shared.set(engine, regions);
  return isAllowed ? regions : new ReadOnlySharedMemory(regions);
}

/** The regions of one server. */
export class SharedMemory implements SharedMemoryRegions {
  /** Always true. */
  readonly isEnabled = true;
  readonly #engine: MappingEngine;
  readonly #entries = new Map<string, Entry>();

  /** No regions as yet; `engine` maps them. */
  constructor(engine: MappingEngine) {
    this.#engine = engine;
  }

  /** See {@link SharedMemoryRegions.registerSystem}. */
  registerSystem({ name, key, offset, byteSize }: SystemRegion): void {
    checkKey(name, key);
    this.#checkName(name);
    const made = this.#engine.clientMemory.mapSystem(key, offset, byteSize);
    if ("failure" in made) throw systemError(name, key, made);
    const region = { name, key, offset, byteSize };
    this.#entries.set(name, { kind: "system", region, memory: made, uses: 0, isLeaving: false });
  }

  /** See {@link SharedMemoryRegions.registerCuda}. */
  registerCuda({ name, deviceId, byteSize }: CudaRegion, handle: Uint8Array): void {
    this.#checkName(name);
    const made = this.#engine.clientMemory.mapCuda(handle, deviceId, byteSize);
    if ("failure" in made) {
      const which = made.failure === "range" ? `region '${name}'` : "region";
      throw invalid(`failed to register shared memory ${which}: invalid args`);
    }
    const region = { name, deviceId, byteSize };
    this.#entries.set(name, { kind: "cuda", region, memory: made, uses: 0, isLeaving: false });
  }

  /** See {@link SharedMemoryRegions.lease}. */
  lease(name: string, offset: Int64, byteSize: Int64): RegionLease {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new TritonError("NOT_FOUND", `Unable to find shared memory region: '${name}'`);
    }
    const { memory } = entry;
    const start = unsigned(offset);
    const size = unsigned(byteSize);
    checkPlace(entry.region, start, size);
    const end = Number(start) + Number(size);
    if (!memory.holds(end)) throw endError(name);
    const slice = { address: memory.address + Number(start), byteSize: Number(size) };
    entry.uses++;
    return {
      slice: memory.gpu === undefined ? slice : { ...slice, gpu: memory.gpu },
      release: () => {
        if (--entry.uses === 0 && entry.isLeaving) this.#remove(entry);
      },
    };
  }

  /** See {@link SharedMemoryRegions.systemStatus}. */
  systemStatus(name?: string): SystemRegion[] {
    return this.#status("system", name).map(({ region }) => region as SystemRegion);
  }

  /** See {@link SharedMemoryRegions.cudaStatus}. */
  cudaStatus(name?: string): CudaRegion[] {
    return this.#status("cuda", name).map(({ region }) => region as CudaRegion);
  }

  /** See {@link SharedMemoryRegions.unregister}. */
  unregister(kind: RegionKind, name?: string): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.kind !== kind || (name !== undefined && entry.region.name !== name)) continue;
      if (entry.uses > 0) entry.isLeaving = true;
      else this.#remove(entry);
    }
  }

  #remove({ region, memory }: Entry): void {
    this.#entries.delete(region.name);
    memory.unmap();
  }

  #checkName(name: string): void {
    if (this.#entries.has(name)) {
      throw new TritonError(
        "ALREADY_EXISTS",
        `shared memory region '${name}' already in manager`,
      );
    }
  }

  #status(kind: RegionKind, name: string | undefined): Entry[] {
    if (name === undefined) {
      return [...this.#entries.values()]
        .filter((entry) => entry.kind === kind)
        .sort((a, b) => a.region.name < b.region.name ? -1 : 1);
    }
    const entry = this.#entries.get(name);
    if (entry?.kind === kind) return [entry];
    const [word, other] = kind === "system" ? ["system", "CUDA"] : ["CUDA", "system"];
    throw new TritonError(
      "NOT_FOUND",
      entry === undefined
        ? `Unable to find ${kind} shared memory region: '${name}'`
        : `The region named '${name}' is registered as ${other} shared memory, not ${word} shared ` +
          "memory",
    );
  }
}

/** gRPC's sizes are signed, and mean the unsigned number of the same bits, as in Triton. */
function unsigned(value: Int64): Int64 {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}

function checkKey(name: string, key: string): void {
  const object = key.replace(/^\/+/, "");
  if (object === "") {
    throw invalid(
      `cannot register shared memory region '${name}' - invalid shm key '${key}'`,
    );
  }
  if (object.startsWith(RESERVED_PREFIX)) {
    throw invalid(
      `cannot register shared memory region '${name}' with key '${key}' as the key contains the ` +
        `reserved prefix '${RESERVED_PREFIX}'`,
    );
  }
}

function checkPlace({ name, byteSize }: SystemRegion | CudaRegion, start: Int64, size: Int64) {
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

function systemError(name: string, key: string, { failure, reason }: MappingFailure): TritonError {
  switch (failure) {
    case "open":
      return new TritonError("INTERNAL", `Unable to open shared memory region: '${key}'`);
    case "size":
      return new TritonError("INTERNAL", `Invalid shared memory region: '${key}'`);
    case "range":
      return invalid(`failed to register shared memory region '${name}': invalid args`);
    case "map":
      // Without a blank, as in Triton.
      return invalid(
        `failed to register shared memory region '${name}': unable to process address space${reason}`,
      );
  }
}

function invalid(message: string): TritonError {
  return new TritonError("INVALID_ARG", message);
}
