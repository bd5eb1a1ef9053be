/**
 * Decimal literals to doubles by arithmetic alone, correctly rounded: the way that tensors of floats
 * are read without making strings of their elements.
 *
 * @module
 */

/** The powers of ten that a double holds exactly; index = exponent. */
export const POWERS: Float64Array = Float64Array.from(
  { length: 23 },
  (_, exponent) => Number(`1e${exponent}`),
);

/** Splits a double into halves of 26 bits, whose products are exact (Veltkamp and Dekker). */
const SPLITTER = 2 ** 27 + 1;

/**
 * (high x 10^lowDigits + low) / 10^scale, rounded once; NaN when that is too close to call. `high` and
 * `low` are integers of at most nine digits, `scale` is at most 22.
 *
 * Up to 15 digits the numerator is exact and one division rounds it. Beyond, numerator and quotient
 * are sums of two doubles whose error is below 2^-100 of them: rounding such a sum is right unless it
 * lies within that error of the middle between two doubles.
 */
export function decimalQuotient(
  high: number,
  low: number,
  lowDigits: number,
  scale: number,
): number {
  if (lowDigits <= 6) return (high * POWERS[lowDigits] + low) / POWERS[scale];
  const power = POWERS[lowDigits];
  const divisor = POWERS[scale];
  const product = high * power;
  const productError = twoProductError(high, power, product);
  const sum = product + low;
  const sumError = low - (sum - product) + productError;

  const first = sum / divisor;
  const back = first * divisor;
  const backError = twoProductError(first, divisor, back);
  const second = (sum - back - backError + sumError) / divisor;

  const result = first + second;
  const rest = second - (result - first);
  return result + rest * 1.0000001 === result ? result : NaN;
}

/** The exact error of `product`, the rounded product of `a` and `b`. */
export function twoProductError(a: number, b: number, product: number): number {
  const aBig = SPLITTER * a;
  const aHigh = aBig - (aBig - a);
  const aLow = a - aHigh;
  const bBig = SPLITTER * b;
  const bHigh = bBig - (bBig - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
