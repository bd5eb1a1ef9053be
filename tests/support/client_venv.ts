/**
 * Triton's own Python client, which the tests talk to our front ends with.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choosePython } from "../../src/setup/choose_python.ts";
import { once, type OnceOptions } from "../../src/setup/once.ts";
import { makeVenv, pipInstall, relocateVenv, venvPython } from "../../src/setup/pip.ts";
import { siblingDirectory } from "../../src/setup/places.ts";

/** What is installed: the client without its CUDA part, which needs a GPU. */
const PACKAGES = ["tritonclient[http,grpc]==2.73.0"];

/** The file that marks a complete venv, and says of which packages. */
const MARK = "packages.json";

/** A venv with Triton's Python client. */
export interface ClientVenv {
  /** Its folder. */
  directory: string;
  /** Absolute path of its interpreter. */
  python: string;
}

/** Finds the client's venv in the user's cache, or makes it (a minute at most, about 30 MB). */
export async function ensureClientVenv(
  options: OnceOptions & { directory?: string } = {},
): Promise<ClientVenv> {
  const directory = options.directory ?? siblingDirectory("tritonclient");
  const make = async (staging: string) => {
    options.progress?.(`Setting up Triton's Python client in ${directory}`);
    const python = await choosePython(staging, options);
    const venv = {
      directory: staging,
      pip: join(staging, "pip"),
      libraries: join(staging, "libpython"),
    };
    await makeVenv(python, staging, venv, options.signal);
    await pipInstall(venv, PACKAGES, options);
    relocateVenv(staging, staging, directory);
    writeFileSync(join(staging, MARK), JSON.stringify(PACKAGES));
  };
  return await once({ directory, mark: MARK, find: () => find(directory), make }, options);
}

function find(directory: string): ClientVenv | undefined {
  const mark = join(directory, MARK);
  const python = venvPython(directory);
  if (!existsSync(python) || !existsSync(mark)) return undefined;
  return readFileSync(mark, "utf8") === JSON.stringify(PACKAGES)
    ? { directory, python }
    : undefined;
}
