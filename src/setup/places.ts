/**
 * Where set-ups live in the user's cache, and which Triton a set-up holds.
 *
 * @module
 */

import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";

/** The version of Triton in the wheel below. */
export const TRITON_VERSION = "2.51.0";

/**
 * The wheel that carries Triton: its pip requirement with the hash that pip checks, so that another
 * file of the same name is refused.
 */
export const TRITON_WHEEL = {
  name: "nvidia-pytriton",
  version: "0.7.0",
  sha256: "21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df",
} as const;

/**
 * The folder of the set-up Triton when none is named: `TRITON_TS_HOME` if set, else
 * `triton-ts/<Triton version>` in the user's cache (`XDG_CACHE_HOME` or `~/.cache`).
 */
export function defaultDirectory(): string {
  const chosen = process.env.TRITON_TS_HOME;
  if (chosen) return resolve(chosen);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return resolve(cache, "triton-ts", TRITON_VERSION);
}

/** A folder named `name` beside the default folder, for other things made once and kept. */
export function siblingDirectory(name: string): string {
  return join(dirname(defaultDirectory()), name);
}
