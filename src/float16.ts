/**
 * Half-precision numbers that JavaScript has no arrays for: BF16, the upper half of an FP32.
 *
 * @module
 */

/** Rounds FP32 values to BF16 (to nearest, ties to even; NaN stays NaN), as their 16 bits each. */
export function toBfloat16(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, (word) => {
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    return isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
}

/** The FP32 values of BF16 bits. Exact. */
export function fromBfloat16(bits: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}
