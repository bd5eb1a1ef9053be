/**
 * The test backend in C: compiled once into the user's cache, in a backend folder beside Triton's own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { compile } from "../../ffi/bridge/compiler.ts";
import type { TritonInstallation } from "../../src/setup/installation.ts";
import { siblingDirectory } from "../../src/setup/places.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** The models that use it: `echo`, and `echo_stream`, which is decoupled. */
export const ECHO_MODELS: string = join(here, "models");

/** A backend folder with the echo backend and links to the backends of `triton`. */
export function echoBackends(triton: TritonInstallation): string {
  // A Triton repository has a folder for each version, which git does not keep when it is empty.
  for (const model of ["echo", "echo_stream"]) {
    mkdirSync(join(ECHO_MODELS, model, "1"), { recursive: true });
  }
  const source = join(here, "backend", "echo.c");
  const hash = createHash("sha256").update(readFileSync(source)).update(triton.library);
  const folder = siblingDirectory(`echo-backend-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const staging = `${folder}.${process.pid}`;
  try {
    mkdirSync(join(staging, "echo"), { recursive: true });
    symlinkSync(join(triton.backendDirectory, "python"), join(staging, "python"));
    const library = join(staging, "echo", "libtriton_echo.so");
    compile(
      [
        ...["-target", `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu.2.28`],
        ...["-std=gnu11", "-O2", "-fPIC", "-shared", "-o", library, source],
        // Linked with the library that will load it: the loader then finds the functions by its name.
        ...[triton.library, "-Wl,--allow-shlib-undefined"],
      ],
      here,
      pipOf(triton),
    );
    renameSync(staging, folder);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return folder;
}

/** The pip that set-up has: Debian's Python comes without one. */
function pipOf({ directory, python }: TritonInstallation): string[] {
  return [join(python, "python3"), join(directory, "pip", "pip")];
}
