/**
 * Where Triton is on this machine: the library, and the folders that belong to it.
 *
 * @module
 */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { TritonError } from "../errors.ts";
import { findSetUpTriton } from "../setup/installation.ts";
import type { ServerOptions } from "./options.ts";

/** A Triton that was found. */
export interface TritonLocation {
  readonly library: string;
  readonly backendDirectory: string;
  readonly cacheDirectory: string | undefined;
}

const CONTAINER = "/opt/tritonserver";

type Chosen = Pick<ServerOptions, "library" | "backendDirectory" | "cacheDirectory">;

/**
 * Finds Triton: the option, the environment, the set-up folder, the container's folder, in this order.
 *
 * @returns undefined when there is none, and none was named.
 * @throws {TritonError} NOT_FOUND when a place that was named has nothing.
 */
export function locateTriton(options: Chosen): TritonLocation | undefined {
  const setUp = findSetUpTriton();
  const library = named("option 'library'", options.library) ??
    named("TRITON_SERVER_LIBRARY", process.env.TRITON_SERVER_LIBRARY) ??
    setUp?.library ??
    existing(join(CONTAINER, "lib", "libtritonserver.so"));
  if (library === undefined) return undefined;
  const ours = setUp?.library === library ? setUp : undefined;
  const backendDirectory = named("option 'backendDirectory'", options.backendDirectory) ??
    named("TRITON_BACKEND_DIRECTORY", process.env.TRITON_BACKEND_DIRECTORY) ??
    ours?.backendDirectory ??
    existing(join(dirname(library), "..", "backends")) ??
    setUp?.backendDirectory ??
    join(CONTAINER, "backends");
  return {
    library,
    backendDirectory,
    cacheDirectory: options.cacheDirectory ?? ours?.cacheDirectory ??
      existing(join(dirname(library), "..", "caches")),
  };
}

/** The text of the error when no Triton was found: what was tried, and what helps. */
export function notFoundText(): string {
  return "Cannot find a Triton library. Tried: option 'library' (not given), the environment variable " +
    "TRITON_SERVER_LIBRARY (not set), the set-up folder (nothing complete there), " +
    `${CONTAINER}/lib/libtritonserver.so (no such file). To get one, run the command 'setup' ` +
    "(deno task setup, bun run setup), or set TRITON_SERVER_LIBRARY to the libtritonserver.so of a " +
    "Triton that you have.";
}

function existing(path: string): string | undefined {
  return existsSync(path) ? resolve(path) : undefined;
}

function named(source: string, path: string | undefined): string | undefined {
  if (path === undefined || path === "") return undefined;
  if (!existsSync(path)) {
    throw new TritonError("NOT_FOUND", `Cannot use ${source}: there is nothing at '${path}'`);
  }
  if (source.includes("library") && statSync(path).isDirectory()) {
    throw new TritonError(
      "NOT_FOUND",
      `Cannot use ${source}: '${path}' is a folder; name the file libtritonserver.so in it`,
    );
  }
  return resolve(path);
}
