/**
 * Doubles put into bytes as rapidjson writes them: the shortest digits that read back as the same
 * double, found by arithmetic. This is the hot loop of JSON responses.
 *
 * @module
 */
import { POWERS, twoProductError } from "./decimal.ts";
import { putEight, putSmall } from "./digits.ts";

const MINUS = 0x2d, POINT = 0x2e, ZERO = 0x30;

/** The most bytes that a double takes. */
export const DOUBLE_SIZE = 26;

/** The exponents of two of 1e-6 and 2^52, the bounds of numbers that arithmetic can put. */
const MIN_EXPONENT = -20, MAX_EXPONENT = 52;

/** By the exponent of two: the power of ten that takes the smallest such double to 17 digits. */
const SCALES = new Uint8Array(MAX_EXPONENT - MIN_EXPONENT + 1);
/** From here on doubles of that exponent take one power less. */
const LIMITS = new Float64Array(SCALES.length);
/** Half the distance between doubles of that exponent. */
const HALVES = new Float64Array(SCALES.length);
for (let index = 0; index < SCALES.length; index++) {
  const smallest = 2 ** (index + MIN_EXPONENT);
  const point = Number(smallest.toExponential().split("e")[1]);
  SCALES[index] = Math.min(22, 16 - point);
  LIMITS[index] = Number(`1e${17 - SCALES[index]}`);
  HALVES[index] = smallest * 2 ** -53;
}

/** Digits closer than this to another choice are left to the runtime; the error is below 2^-24. */
const MARGIN = 1e-4;

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);

/** A double as rapidjson writes it. Only integers differ from what JavaScript writes. */
export function doubleText(value: number): string {
  if (!Number.isInteger(value)) return String(value);
  if (Object.is(value, -0)) return "-0.0";
  return Math.abs(value) < 1e21 ? `${value}.0` : String(value).replace("e+", "e");
}

/** Puts `value` and returns the offset behind it. There must be room for {@link DOUBLE_SIZE} bytes. */
export function putDouble(target: Uint8Array, at: number, value: number): number {
  // Up to three decimals. As there are no more than 15 digits, no shorter ones give the same double.
  const thousandths = value * 1000;
  const whole = thousandths | 0;
  if (whole === thousandths && whole / 1000 === value) {
    if (whole === 0 && Object.is(value, -0)) target[at++] = MINUS;
    return putThousandths(target, at, whole);
  }
  const end = putShortest(target, at, value);
  return end > 0 ? end : putText(target, at, doubleText(value));
}

function putThousandths(target: Uint8Array, at: number, thousandths: number): number {
  if (thousandths < 0) {
    target[at++] = MINUS;
    thousandths = -thousandths; // 2^31, when it was the least integer
  }
  const whole = ((thousandths + 0.5) * 1e-3) | 0;
  const fraction = (thousandths - whole * 1000) | 0;
  at = putSmall(target, at, whole);
  target[at] = POINT;
  const tenths = (fraction * 5243) >>> 19;
  target[at + 1] = ZERO + tenths;
  if (fraction === tenths * 100) return at + 2;
  const rest = fraction - tenths * 100;
  const tens = (rest * 205) >>> 11;
  target[at + 2] = ZERO + tens;
  if (rest === tens * 10) return at + 3;
  target[at + 3] = ZERO + rest - tens * 10;
  return at + 4;
}

/**
 * Puts `value` by its first 17 digits: of those that lie nearer to it than half the way to the next
 * double, the shortest, and of these the nearest. 0 when that is too close to call or the number is
 * out of range.
 */
function putShortest(target: Uint8Array, at: number, value: number): number {
  float64[0] = value;
  const top = words[1];
  const exponent = ((top >>> 20) & 0x7ff) - 1023;
  // Below a power of two the doubles lie closer together, so these are special.
  if ((top & 0xf_ffff) === 0 && words[0] === 0) return 0;
  if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT) return 0;
  const magnitude = Math.abs(value);
  if (magnitude < 1e-6) return 0;
  const row = exponent - MIN_EXPONENT;
  const scale = magnitude < LIMITS[row] ? SCALES[row] : SCALES[row] - 1;
  const power = POWERS[scale];

  // magnitude x 10^scale, exact as the sum of two doubles, in two parts of nine and eight digits.
  const product = magnitude * power;
  let high = (product * 1e-8) | 0;
  let low = product - high * 1e8 + twoProductError(magnitude, power, product);
  if (low < 0) {
    low += 1e8;
    high = (high - 1) | 0;
  }
  const half = HALVES[row] * power;

  // Fifteen digits, else sixteen, else seventeen.
  let digits = ((low * 0.01 + 0.5) | 0) * 100;
  let distance = Math.abs(low - digits);
  if (distance > half - MARGIN) {
    if (distance < half + MARGIN) return 0;
    const tens = ((low * 0.1 + 0.5) | 0) * 10;
    const tensDistance = Math.abs(low - tens);
    if (Math.abs(tensDistance - half) < MARGIN) return 0;
    const units = (low + 0.5) | 0;
    const isSixteen = tensDistance < half;
    digits = isSixteen ? tens : units;
    distance = isSixteen ? tensDistance : Math.abs(low - units) * 10;
    if (distance > 5 - MARGIN * 10) return 0;
  }
  if (digits >= 1e8) {
    digits -= 1e8;
    high = (high + 1) | 0;
  }
  if (high < 1e8 || high >= 1e9) return 0;

  target[at] = MINUS;
  return putDigits(target, at + (top >>> 31), high, digits | 0, 17 - scale);
}

/**
 * Puts nine and eight digits with a point behind the first `whole` of them, or so many zeros between,
 * and no zeros at the end but one behind the point.
 */
function putDigits(
  target: Uint8Array,
  at: number,
  high: number,
  low: number,
  whole: number,
): number {
  const start = at;
  if (whole > 0) {
    at++;
  } else {
    target[at++] = ZERO;
    target[at++] = POINT;
    for (; whole < 0; whole++) target[at++] = ZERO;
  }
  const first = (high * 1e-8) | 0;
  target[at] = ZERO + first;
  putEight(target, at + 1, high - first * 100_000_000);
  putEight(target, at + 9, low);
  let end = at + 17;
  const point = start + whole;
  if (whole > 0) {
    for (let index = start; index < point; index++) target[index] = target[index + 1];
    target[point] = POINT;
  }
  while (target[end - 1] === ZERO && end > point + 2) end--;
  return end;
}

function putText(target: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) target[at++] = text.charCodeAt(index);
  return at;
}
