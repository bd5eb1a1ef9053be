/**
 * The check that a shape's size can be counted at all. Triton 2.51 multiplies dimensions without looking
 * for an overflow, so that a huge shape can seem to fit a few bytes; the texts are those of newer ones.
 *
 * @module
 */
import { datatypeByteSize, isDataType } from "../datatype.ts";
import type { EngineInput } from "../engine.ts";
import { TritonError } from "../errors.ts";

const LIMIT = 2n ** 63n - 1n;

/** Throws INVALID_ARG when the elements of `input`, or their bytes, are more than 64 bits can count. */
export function checkShapeLimits({ name, datatype, shape }: EngineInput): void {
  const size = isDataType(datatype) ? datatypeByteSize(datatype) || 1 : 1;
  let estimate = size;
  for (const dimension of shape) estimate *= Math.max(Math.abs(Number(dimension)), 1);
  if (estimate <= Number.MAX_SAFE_INTEGER) return;
  // Negative dimensions and zeros are the library's to judge: nothing can overflow with them.
  if (shape.some((dimension) => dimension <= 0)) return;
  const elements = shape.reduce<bigint>((product, dimension) => product * BigInt(dimension), 1n);
  if (elements > LIMIT) {
    throw new TritonError(
      "INVALID_ARG",
      `invalid shape for input '${name}': shape [${shape}] causes total element count to exceed ` +
        `maximum size of ${LIMIT}`,
    );
  }
  if (elements * BigInt(size) > LIMIT) {
    throw new TritonError(
      "INVALID_ARG",
      `byte size overflow for input '${name}': element count (${elements}) * data type size (${size}) ` +
        `exceeds maximum allowed size (${LIMIT})`,
    );
  }
}
