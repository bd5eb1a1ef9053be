/**
 * Memory of large requests, used again when they have ended: to zero new memory and to touch it for the first
 * time costs more than to read a tensor into it.
 *
 * @module
 */

/** Smaller memory is the garbage collector's. */
export const LEAST_POOLED: number = 4 << 10;
const MAX_POOLED = 64 << 20;
/** What is kept for later, in all. */
const MAX_KEPT = 64 << 20;

/** Memory of the pool. */
interface PooledBuffer extends ArrayBuffer {
  /** Whether it was handed out and not given back. */
  isTaken?: boolean;
}

/** Free memory by its size. */
const free = new Map<number, PooledBuffer[]>();
let kept = 0;

/** `size` bytes, with any content: all of them must be written before any is read. */
export function takeMemory(size: number): Uint8Array<ArrayBuffer> {
  if (size < LEAST_POOLED || size > MAX_POOLED) return new Uint8Array(size);
  const whole = roundedSize(size);
  let buffer = free.get(whole)?.pop();
  if (buffer === undefined) buffer = new ArrayBuffer(whole) as PooledBuffer;
  else kept -= whole;
  buffer.isTaken = true;
  return new Uint8Array(buffer, 0, size);
}

/** Four sizes from one power of two to the next. */
function roundedSize(size: number): number {
  const step = 2 ** (Math.floor(Math.log2(size)) - 2);
  return Math.ceil(size / step) * step;
}

/**
 * Gives memory back that came from {@link takeMemory}, with all views of it, which must not be used any
 * more. Other memory is left alone.
 */
export function giveMemory(bytes: Uint8Array): void {
  const buffer = bytes.buffer as PooledBuffer;
  if (!buffer.isTaken) return;
  buffer.isTaken = false;
  const whole = buffer.byteLength;
  if (kept + whole > MAX_KEPT) return;
  let list = free.get(whole);
  if (list === undefined) free.set(whole, list = []);
  list.push(buffer);
  kept += whole;
}
