/**
 * Memory for the tensors that are made from JSON.
 *
 * @module
 */

/** Small tensors share pieces of memory of this size. */
const SLAB_SIZE = 64 << 10;
/** Tensors up to this size are small. */
const SMALL = 1024;

/** Zeroed memory, and views of all of it that are made when they are asked for. */
export class TensorMemory {
  readonly #buffer: ArrayBuffer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  #int8?: Int8Array;
  #int16?: Int16Array;
  #int32?: Int32Array;
  #float32?: Float32Array;
  #float64?: Float64Array;

  /** So many bytes. */
  constructor(size: number) {
    this.#buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(this.#buffer);
  }

  get int8(): Int8Array {
    return this.#int8 ??= new Int8Array(this.#buffer);
  }

  get int16(): Int16Array {
    return this.#int16 ??= new Int16Array(this.#buffer);
  }

  get int32(): Int32Array {
    return this.#int32 ??= new Int32Array(this.#buffer);
  }

  get float32(): Float32Array {
    return this.#float32 ??= new Float32Array(this.#buffer);
  }

  get float64(): Float64Array {
    return this.#float64 ??= new Float64Array(this.#buffer);
  }
}

/** A place for a tensor, which nothing else will use. */
export interface TensorPlace {
  readonly memory: TensorMemory;
  /** The offset of the place, a multiple of eight. */
  readonly at: number;
}

let slab: TensorMemory | undefined;
/** Where the free part of the slab begins. */
let slabStart = 0;

/** Finds a place for a tensor of `size` bytes. */
export function tensorPlace(size: number): TensorPlace {
  if (size > SMALL) return { memory: new TensorMemory(size), at: 0 };
  if (slab === undefined || slabStart + size > SLAB_SIZE) {
    slab = new TensorMemory(SLAB_SIZE);
    slabStart = 0;
  }
  const at = slabStart;
  slabStart = (slabStart + size + 7) & ~7;
  return { memory: slab, at };
}
