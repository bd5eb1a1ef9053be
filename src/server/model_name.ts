/**
 * The check of a model's name before it is loaded. Triton 2.51 takes any; the texts are those of newer
 * ones.
 *
 * @module
 */
import { TritonError } from "../errors.ts";

/** Throws INVALID_ARG when `name` is blank, or a path out of the model's place in the repository. */
export function checkModelName(name: string): void {
  const trimmed = name.trim();
  if (trimmed === "") {
    throw new TritonError(
      "INVALID_ARG",
      "Model name cannot be empty. Please enter a valid name to deploy.",
    );
  }
  if (trimmed === ".." || trimmed.includes("/")) {
    throw new TritonError(
      "INVALID_ARG",
      `invalid model name '${name}', model name must not contain path traversal characters`,
    );
  }
}
