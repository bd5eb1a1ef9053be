/**
 * Comparing bytes.
 *
 * @module
 */

/** Whether `bytes` begin with `start`. */
export function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false;
  for (let index = 0; index < start.length; index++) {
    if (bytes[index] !== start[index]) return false;
  }
  return true;
}
