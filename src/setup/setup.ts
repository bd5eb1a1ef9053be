/**
 * Setting up a real Triton without a container: from a Python wheel, once, into a folder of the user's
 * cache.
 *
 * @module
 */

import { rmSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { choosePython } from "./choose_python.ts";
import {
  findSetUpTriton,
  MANIFEST,
  readManifest,
  type TritonInstallation,
  writeManifest,
} from "./installation.ts";
import { withLock } from "./lock.ts";
import { once, type OnceOptions } from "./once.ts";
import { makeVenv, pipDownload, pipInstall, relocateVenv, type Venv, venvPython } from "./pip.ts";
import { defaultDirectory, TRITON_VERSION, TRITON_WHEEL } from "./places.ts";
import { assertSupported, currentPlatform } from "./platform.ts";
import { libpythonName } from "./python.ts";
import {
  assertLoads,
  LAYOUT,
  libraryPath,
  stubPath,
  unpackTriton,
  writeLauncher,
} from "./wheel.ts";

/** How Triton is set up. */
export interface SetUpOptions extends OnceOptions {
  /** Folder to set up in. Default: `TRITON_TS_HOME`, else `triton-ts/<version>` in the user's cache. */
  directory?: string;
  /** Packages, as pip names them, that Python models need beside numpy. Default none. */
  packages?: readonly string[];
  /**
   * Packages to be installed without what they depend on, for those whose dependencies do not suit a
   * server (such as an OpenCV that wants a display). Default none.
   */
  packagesAlone?: readonly string[];
}

/** What every venv gets: with numpy 2 the Python backend's stubs misread every array. */
const NUMPY = "numpy<2";

/**
 * Triton in a folder of the user's cache: found complete, or fetched (about 80 MB) and put together.
 *
 * Needs Linux on x86_64 and a Python; never root, a container or a compiler. Packages that are asked
 * for and missing are added to a set-up that is there.
 *
 * @example
 * ```ts
 * import { setUpTriton } from "@triton-ts/frontend";
 *
 * const triton = await setUpTriton({ progress: (line) => console.log(line) });
 * console.log(triton.library);
 * ```
 */
export async function setUpTriton(options: SetUpOptions = {}): Promise<TritonInstallation> {
  const directory = resolve(options.directory ?? defaultDirectory());
  const find = () => findSetUpTriton(directory);
  const make = (staging: string) => build(staging, directory, options);
  const triton = await once({ directory, mark: MANIFEST, find, make }, options);
  await addPackages(triton, options);
  return triton;
}

async function build(
  staging: string,
  directory: string,
  options: SetUpOptions,
): Promise<void> {
  const { progress, signal } = options;
  assertSupported(await currentPlatform(signal));
  progress?.(`Setting up Triton ${TRITON_VERSION} in ${directory}`);
  const python = await choosePython(staging, { progress, signal });
  progress?.(`Using Python ${python.version}: ${python.program.replace(staging, directory)}`);

  const venv = venvOf(staging);
  await makeVenv(python, staging, venv, signal);
  const wheel = await pipDownload(venv, TRITON_WHEEL, join(staging, "download"), options);
  progress?.(`Unpacking ${megabytes(wheel)} of Triton`);
  await unpackTriton(venv, wheel, staging, python.version, signal);
  rmSync(join(staging, "download"), { recursive: true });
  progress?.(`Installing ${NUMPY}`);
  await pipInstall(venv, [NUMPY], options);

  writeLauncher(staging, python.version);
  relocateVenv(venv.directory, staging, directory);
  await assertLoads(staging, python.version, signal);
  writeManifest(staging, {
    python: python.version,
    packages: [NUMPY],
    paths: {
      library: libraryPath(staging),
      backendDirectory: LAYOUT.backends,
      cacheDirectory: LAYOUT.caches,
      python: relative(staging, join(venv.directory, "bin")),
      libpythonDirectory: LAYOUT.libpython,
      tritonserver: LAYOUT.server,
    },
    files: [
      LAYOUT.launcher,
      stubPath(python.version),
      relative(staging, venvPython(venv.directory)),
      join(LAYOUT.libpython, libpythonName(python.version)),
    ],
  });
}

/** Adds what is missing in place: a running Triton keeps its files, new models see the packages. */
async function addPackages(
  { directory }: TritonInstallation,
  { packages = [], packagesAlone = [], progress, signal }: SetUpOptions,
): Promise<void> {
  const missing = (names: readonly string[]) => {
    const there = manifestOf(directory).packages;
    return names.filter((name) => !there.includes(name));
  };
  if (missing([...packages, ...packagesAlone]).length === 0) return;
  const waiting = (holder: number) =>
    progress?.(`Waiting for process ${holder}, which is changing ${directory}`);
  await withLock(`${directory}.lock`, { waiting, signal }, async () => {
    for (const [names, alone] of [[packages, false], [packagesAlone, true]] as const) {
      const wanted = missing(names);
      if (wanted.length === 0) continue;
      progress?.(`Adding ${wanted.join(", ")}`);
      const all = alone ? ["--no-deps", ...wanted] : [NUMPY, ...wanted];
      await pipInstall(venvOf(directory), all, { progress, signal });
      const manifest = manifestOf(directory);
      writeManifest(directory, { ...manifest, packages: [...manifest.packages, ...wanted] });
    }
  });
}

function manifestOf(directory: string) {
  const manifest = readManifest(directory);
  if (manifest === undefined) throw new Error(`Cannot read '${join(directory, MANIFEST)}'.`);
  return manifest;
}

function venvOf(directory: string): Venv {
  return {
    directory: join(directory, LAYOUT.venv),
    pip: join(directory, LAYOUT.pip),
    libraries: join(directory, LAYOUT.libpython),
  };
}

function megabytes(path: string): string {
  return `${Math.round(statSync(path).size / 1e6)} MB`;
}
