/**
 * What a model's metadata says about its inputs.
 *
 * @module
 */
import { parseJson } from "./json/value.ts";

/** An input of a model. */
export interface InputSchema {
  readonly datatype: string;
  /** With the batch dimension in front, if there is one; -1 for variable sizes. */
  readonly shape: readonly number[];
}

/** The inputs by name, from the model metadata that the server makes as JSON. */
export function parseInputSchema(metadataJson: Uint8Array): Map<string, InputSchema> {
  const inputs = new Map<string, InputSchema>();
  for (const input of parseJson(metadataJson).requiredMember("inputs").asArray()) {
    inputs.set(input.requiredMember("name").asString(), {
      datatype: input.requiredMember("datatype").asString(),
      shape: input.requiredMember("shape").asArray().map((size) => size.asDouble()),
    });
  }
  return inputs;
}
