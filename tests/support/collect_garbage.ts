/**
 * Has the runtime give back the memory of what is not used any more, for tests that measure memory.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects garbage now. */
export const collectGarbage: () => void = makeCollector();

function makeCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(isNow: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
