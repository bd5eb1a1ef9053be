/**
 * The flags that restrict groups of endpoints: `<group>[,<group>...]:<header>=<value>`.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import type { Feature, RestrictedFeatures } from "../kserve/restricted.ts";
import { CommandError } from "./errors.ts";
import { parseSetting } from "./values.ts";

/**
 * Adds what `text` says to `restricted`. `flag` is the flag's name; `noun` is what its messages call an
 * endpoint group.
 */
export function addRestriction(
  restricted: RestrictedFeatures,
  text: string,
  { flag, noun }: { flag: string; noun: "api" | "protocol" },
): void {
  const { name, setting, value } = parseSetting(text, {
    flag,
    nameIs: "config name",
    separator: ":",
  });
  try {
    restricted.createFeatureGroup(setting, value, name.split(",") as Feature[]);
  } catch (reason) {
    const { message } = TritonError.from(reason);
    throw new CommandError(message.replace("restricted api", `restricted ${noun}`));
  }
}
