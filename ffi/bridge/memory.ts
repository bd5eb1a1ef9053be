/**
 * Memory of clients that the bridge maps into this process: see memory.c.
 *
 * @module
 */
import type { BridgeFunctions } from "./load.ts";

/** Memory that is mapped. */
export interface NativeMapping {
  /** The mapping in the bridge; 0 once the memory was given back. */
  readonly handle: number;
  readonly address: number;
  readonly gpu?: number;
  /** Whether the first `byteSize` bytes are still those of the object, which its owner may have cut. */
  holds(byteSize: number): boolean;
  /** Gives the memory back. Later calls do nothing. */
  unmap(): void;
}

/** Why there is no mapping. */
export interface NativeMappingFailure {
  readonly failure: "open" | "size" | "range" | "map";
  readonly reason: string;
}

/** By the numbers of memory.c, from 1 on. */
const FAILURES = ["open", "size", "range", "map"] as const;
const RESULT_SIZE = 256;
const CUDA_HANDLE_SIZE = 64;
const MAX_DEVICE = 0x7fff_ffff;

/** The memory functions of the bridge. */
export class Memory {
  readonly #bridge: BridgeFunctions;
  readonly #result = new Uint8Array(RESULT_SIZE);

  constructor(bridge: BridgeFunctions) {
    this.#bridge = bridge;
  }

  /** Maps a part of the POSIX shared-memory object called `key`. Sizes are unsigned 64-bit numbers. */
  mapSystem(
    key: string,
    offset: number | bigint,
    byteSize: number | bigint,
  ): NativeMapping | NativeMappingFailure {
    const name = new TextEncoder().encode(`${key}\0`);
    return this.#outcome(this.#bridge.tts_map_system(name, offset, byteSize, this.#result));
  }

  /** Opens memory of the GPU `device` by its CUDA IPC handle; a short handle counts as filled with zeros. */
  mapCuda(
    handle: Uint8Array,
    device: number | bigint,
    byteSize: number | bigint,
  ): NativeMapping | NativeMappingFailure {
    if (device < 0 || device > MAX_DEVICE) return { failure: "open", reason: "No such device" };
    const gpu = Number(device);
    const whole = new Uint8Array(CUDA_HANDLE_SIZE);
    whole.set(handle.subarray(0, CUDA_HANDLE_SIZE));
    return this.#outcome(this.#bridge.tts_map_cuda(whole, gpu, byteSize, this.#result), gpu);
  }

  /** Whether the first `byteSize` bytes of a mapping that is not given back are still those of the object. */
  holds(handle: number, byteSize: number): boolean {
    return this.#bridge.tts_mapping_holds(handle, byteSize) === 1;
  }

  #outcome(step: number, gpu?: number): NativeMapping | NativeMappingFailure {
    const result = this.#result;
    if (step !== 0) {
      const reason = new TextDecoder().decode(result.subarray(0, result.indexOf(0)));
      return { failure: FAILURES[step - 1], reason };
    }
    const view = new DataView(result.buffer);
    const handle = Number(view.getBigUint64(0, true));
    return new Mapping(this.#bridge, handle, Number(view.getBigUint64(8, true)), gpu);
  }
}

class Mapping implements NativeMapping {
  readonly address: number;
  readonly gpu: number | undefined;
  readonly #bridge: BridgeFunctions;
  handle: number;

  constructor(bridge: BridgeFunctions, handle: number, address: number, gpu: number | undefined) {
    this.#bridge = bridge;
    this.handle = handle;
    this.address = address;
    this.gpu = gpu;
  }

  holds(byteSize: number): boolean {
    return this.handle !== 0 && this.#bridge.tts_mapping_holds(this.handle, byteSize) === 1;
  }

  unmap(): void {
    const { handle } = this;
    this.handle = 0;
    if (handle !== 0) this.#bridge.tts_unmap(handle);
  }
}
