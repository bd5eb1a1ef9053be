/**
 * The habits of C that show on the wire: strings end at a NUL, integers are read as `stoi` does.
 *
 * @module
 */

/** `text` up to its first NUL, which is all that a C string keeps. */
export function cString(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/**
 * The 32-bit integer at the beginning of `text`: blanks before it, a sign, and any text behind it are
 * allowed. NaN when there is none; plus or minus infinity when it does not fit 32 bits.
 */
export function stoi(text: string): number {
  const plain = plainInteger(text);
  if (plain !== undefined) return plain;
  const digits = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  if (digits === null) return NaN;
  const value = Number(digits[1]);
  if (value > 0x7fff_ffff) return Infinity;
  return value < -0x8000_0000 ? -Infinity : value + 0;
}

/** The integer of a text that has nothing but a few digits, as most have. */
function plainInteger(text: string): number | undefined {
  if (text.length === 0 || text.length > 9) return undefined;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
