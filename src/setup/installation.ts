/**
 * What a set-up folder holds, how it is described in its manifest, and how a complete one is found.
 *
 * @module
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defaultDirectory, TRITON_VERSION } from "./places.ts";

/** A Triton that set-up has put on this machine. All paths are absolute. */
export interface TritonInstallation {
  /** The set-up folder. */
  directory: string;
  /** `libtritonserver-*.so`. The libraries that it needs lie beside it. */
  library: string;
  /** The backends, for Triton's option of that name: `python/`. */
  backendDirectory: string;
  /** The response caches, for Triton's option of that name: `local/`. */
  cacheDirectory: string;
  /** The repository agents, for Triton's option of that name; the wheel has none. */
  repoAgentDirectory?: string;
  /** The folder of the `python3` whose packages Python models see. */
  python: string;
  /** The folder with the `libpython3.N.so.1.0` that the Python backend runs on. */
  libpythonDirectory: string;
  /** NVIDIA's own server program of the same version. */
  tritonserver: string;
}

/** The parts of an installation that its manifest names. */
export type PathName = Exclude<keyof TritonInstallation, "directory" | "repoAgentDirectory">;

const PATHS: readonly PathName[] = [
  "library",
  "backendDirectory",
  "cacheDirectory",
  "python",
  "libpythonDirectory",
  "tritonserver",
];

/** The file that makes a folder a set-up folder; written last. */
export const MANIFEST = "triton-ts.json";

/** The version of folder and manifest: a folder with another is made anew. */
const FORMAT = 1;

/** The content of the manifest. Paths are relative to the folder. */
export interface Manifest {
  /** The version of folder and manifest. */
  format: number;
  /** The version of Triton. */
  triton: string;
  /** The Python of the venv, such as `"3.11"`. */
  python: string;
  /** What pip has installed into the venv, as it was asked for. */
  packages: string[];
  /** The parts of the installation. */
  paths: Record<PathName, string>;
  /** Further files without which the folder is not complete. */
  files: string[];
}

/**
 * The Triton set up in `directory` (default: the user's cache, see `TRITON_TS_HOME`), or undefined if
 * there is none or a part of it is missing.
 */
export function findSetUpTriton(
  directory: string = defaultDirectory(),
): TritonInstallation | undefined {
  const folder = resolve(directory);
  const manifest = readManifest(folder);
  if (manifest === undefined) return undefined;
  const paths = PATHS.map((name) => [name, resolve(folder, manifest.paths[name])] as const);
  const files = manifest.files.map((file) => resolve(folder, file));
  const complete = [...paths.map(([, path]) => path), ...files].every((path) => existsSync(path));
  if (!complete) return undefined;
  const found = Object.fromEntries(paths) as Record<PathName, string>;
  return { directory: folder, ...found };
}

/** The manifest of `directory`; undefined if there is none, or none of this format and Triton. */
export function readManifest(directory: string): Manifest | undefined {
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(readFileSync(join(directory, MANIFEST), "utf8"));
  } catch {
    return undefined;
  }
  if (manifest.format !== FORMAT || manifest.triton !== TRITON_VERSION) return undefined;
  const { python, packages, paths, files } = manifest;
  if (typeof python !== "string" || !Array.isArray(packages) || !Array.isArray(files)) {
    return undefined;
  }
  if (PATHS.some((name) => typeof paths?.[name] !== "string")) return undefined;
  return manifest as Manifest;
}

/** Writes the manifest in one step, so that a reader never sees half of it. */
export function writeManifest(
  directory: string,
  content: Omit<Manifest, "format" | "triton">,
): void {
  const manifest: Manifest = { format: FORMAT, triton: TRITON_VERSION, ...content };
  const path = join(directory, MANIFEST);
  writeFileSync(`${path}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
