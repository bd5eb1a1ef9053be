/**
 * Decimal digits put into bytes by arithmetic, without a string between.
 *
 * @module
 */

const MINUS = 0x2d, ZERO = 0x30;

/** The most bytes that {@link putInteger} writes. */
export const INTEGER_SIZE = 17;

/** Puts the four digits of `value`, leading zeros too; it is below 10,000. */
function putFour(target: Uint8Array, at: number, value: number): void {
  // Quotients by 100 and 10 as products, which are exact in these ranges.
  const high = (value * 5243) >>> 19;
  const low = value - high * 100;
  const thousands = (high * 205) >>> 11;
  const tens = (low * 205) >>> 11;
  target[at] = ZERO + thousands;
  target[at + 1] = ZERO + high - thousands * 10;
  target[at + 2] = ZERO + tens;
  target[at + 3] = ZERO + low - tens * 10;
}

/** Puts the eight digits of `value`, leading zeros too; it is below 10^8. */
export function putEight(target: Uint8Array, at: number, value: number): void {
  const high = quotient(value);
  putFour(target, at, high);
  putFour(target, at + 4, value - high * 10_000);
}

/** The whole part of `value` / 10,000. The half keeps the product away from whole numbers. */
function quotient(value: number): number {
  return ((value + 0.5) * 1e-4) | 0;
}

/** Puts `value`, from 0 to 2^31 - 1, and returns the offset behind it. */
export function putSmall(target: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    target[at] = ZERO + value;
    return at + 1;
  }
  if (value < 100) {
    const tens = (value * 205) >>> 11;
    target[at] = ZERO + tens;
    target[at + 1] = ZERO + value - tens * 10;
    return at + 2;
  }
  if (value < 10_000) {
    const high = (value * 5243) >>> 19;
    const low = value - high * 100;
    const tens = (low * 205) >>> 11;
    if (high < 10) target[at++] = ZERO + high;
    else at = putSmall(target, at, high);
    target[at] = ZERO + tens;
    target[at + 1] = ZERO + low - tens * 10;
    return at + 2;
  }
  const high = quotient(value);
  at = putSmall(target, at, high);
  putFour(target, at, value - high * 10_000);
  return at + 4;
}

/** Puts the integer `value`, whose magnitude is below 2^53, and returns the offset behind it. */
export function putInteger(target: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    target[at++] = MINUS;
    value = -value;
  }
  if (value <= 0x7fff_ffff) return putSmall(target, at, value | 0);
  const high = Math.floor((value + 0.5) * 1e-8);
  at = putSmall(target, at, high);
  putEight(target, at, value - high * 1e8);
  return at + 8;
}
