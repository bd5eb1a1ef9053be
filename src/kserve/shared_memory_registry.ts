/**
 * The shared-memory regions that the clients of a server have registered.
 *
 * @module
 */
import type { Engine, Int64, MappedMemory, MappingFailure } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { RegionTable } from "./region_table.ts";
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

type Shown =
  & ({ readonly kind: "system"; readonly region: SystemRegion } | {
    readonly kind: "cuda";
    readonly region: CudaRegion;
  })
  & {
    /** Set once it is to leave; resolves when all threads know. */
    removal?: Promise<void>;
  };

/** What a registry needs of an engine. */
export type MappingEngine = Pick<Engine, "clientMemory" | "threads">;

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
  /** What requests on this thread use. Requests on others count as one use, for as long as there are any. */
  readonly #table = new RegionTable();
  readonly #shown = new Map<string, Shown>();

  /** No regions as yet; `engine` maps them. */
  constructor(engine: MappingEngine) {
    this.#engine = engine;
  }

  /** See {@link SharedMemoryRegions.registerSystem}. */
  async registerSystem({ name, key, offset, byteSize }: SystemRegion): Promise<void> {
    checkKey(name, key);
    this.#checkName(name);
    const made = this.#engine.clientMemory.mapSystem(key, offset, byteSize);
    if ("failure" in made) throw systemError(name, key, made);
    await this.#add({ kind: "system", region: { name, key, offset, byteSize } }, made);
  }

  /** See {@link SharedMemoryRegions.registerCuda}. */
  async registerCuda(
    { name, deviceId, byteSize }: CudaRegion,
    handle: Uint8Array,
  ): Promise<void> {
    this.#checkName(name);
    const made = this.#engine.clientMemory.mapCuda(handle, deviceId, byteSize);
    if ("failure" in made) {
      const which = made.failure === "range" ? `region '${name}'` : "region";
      throw invalid(`failed to register shared memory ${which}: invalid args`);
    }
    await this.#add({ kind: "cuda", region: { name, deviceId, byteSize } }, made);
  }

  /** See {@link SharedMemoryRegions.lease}. */
  lease(name: string, offset: Int64, byteSize: Int64): RegionLease {
    return this.#table.lease(name, offset, byteSize);
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
  async unregister(kind: RegionKind, name?: string): Promise<void> {
    const leaving = [...this.#shown.values()].filter(({ kind: its, region }) =>
      its === kind && (name === undefined || region.name === name)
    );
    await Promise.all(leaving.map((shown) => shown.removal ??= this.#remove(shown.region.name)));
  }

  async #add(shown: Shown, memory: MappedMemory): Promise<void> {
    const { name, byteSize } = shown.region;
    const onLeft = () => {
      this.#shown.delete(name);
      memory.unmap();
    };
    this.#shown.set(name, shown);
    this.#table.add({ name, byteSize, memory, onLeft });
    const { handle, address, gpu } = memory;
    await this.#engine.threads?.addRegion({ name, byteSize, handle, address, gpu });
  }

  async #remove(name: string): Promise<void> {
    const { threads } = this.#engine;
    if (threads === undefined) return this.#table.remove(name);
    await threads.removeRegion(name, () => this.#table.remove(name));
  }

  #checkName(name: string): void {
    if (this.#shown.has(name)) {
      throw new TritonError(
        "ALREADY_EXISTS",
        `shared memory region '${name}' already in manager`,
      );
    }
  }

  #status(kind: RegionKind, name: string | undefined): Shown[] {
    if (name === undefined) {
      return [...this.#shown.values()]
        .filter((shown) => shown.kind === kind)
        .sort((a, b) => a.region.name < b.region.name ? -1 : 1);
    }
    const shown = this.#shown.get(name);
    if (shown?.kind === kind) return [shown];
    const [word, other] = kind === "system" ? ["system", "CUDA"] : ["CUDA", "system"];
    throw new TritonError(
      "NOT_FOUND",
      shown === undefined
        ? `Unable to find ${kind} shared memory region: '${name}'`
        : `The region named '${name}' is registered as ${other} shared memory, not ${word} shared ` +
          "memory",
    );
  }
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
