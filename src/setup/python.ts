/**
 * Finding the Python interpreters of this machine and what each has of what Triton needs.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { run } from "./run.ts";

/**
 * The Pythons that Triton's Python backend runs on, newest first. The wheel has a stub for 3.13 too,
 * but the stubs cannot work with numpy 2, and numpy 1 does not exist for 3.13.
 */
export const PYTHON_VERSIONS: readonly string[] = ["3.12", "3.11", "3.10", "3.9", "3.8"];

/** An interpreter, and where it keeps the parts that a set-up needs. */
export interface Interpreter {
  /** Absolute path of the program. */
  program: string;
  /** Such as `"3.11"`. */
  version: string;
  /** Prefix of its installation; `/usr` for the distribution's own. */
  prefix: string;
  /** Whether the `venv` module can be imported. */
  venv: boolean;
  /** Folder with its `libpython3.N.so.1.0`, if it has one. */
  libpython?: string;
  /** Its pip: a wheel file, or the folder of the package. */
  pip?: string;
  /**
   * Folder of the module distutils, which pip needs up to Python 3.10 and Ubuntu keeps in a package of
   * its own; empty if it is in its place or not needed.
   */
  distutils?: string;
}

/** A Python with everything that set-up needs of it. */
export type CompletePython = Required<Interpreter>;

/** Whether set-up can use `interpreter` as it is. */
export function isComplete(
  interpreter: Interpreter,
): interpreter is CompletePython {
  const { venv, libpython, pip, distutils } = interpreter;
  return venv && [libpython, pip, distutils].every((part) => part !== undefined);
}

/** The name of the shared library of Python `version`, by which the stub asks for it. */
export function libpythonName(version: string): string {
  return `libpython${version}.so.1.0`;
}

/**
 * The interpreters on `path` (default: `PATH`) of a usable version, in the order of preference:
 * `python3` as the user meets it, then by version. Ends with the first complete one.
 */
export async function findInterpreters(
  options: { path?: string; signal?: AbortSignal } = {},
): Promise<Interpreter[]> {
  const folders = (options.path ?? process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const names = ["python3", ...PYTHON_VERSIONS.map((version) => `python${version}`)];
  const found = new Map<string, Interpreter>();
  for (const name of names) {
    for (const folder of folders) {
      const program = join(folder, name);
      if (!existsSync(program)) continue;
      const interpreter = await examine(program, options.signal);
      if (interpreter === undefined) continue;
      const installation = `${interpreter.prefix} ${interpreter.version}`;
      if (found.has(installation)) continue; // the same by another name
      found.set(installation, interpreter);
      if (isComplete(interpreter)) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** What `program` says of itself; undefined if it does not run or is no usable Python. */
export async function examine(
  program: string,
  signal?: AbortSignal,
): Promise<Interpreter | undefined> {
  const { code, stdout } = await run([program, "-I", "-c", QUESTIONS], { signal });
  if (code !== 0) return undefined;
  const answer = JSON.parse(stdout) as Answer;
  if (answer.implementation !== "cpython" || !PYTHON_VERSIONS.includes(answer.version)) {
    return undefined;
  }
  const library = libpythonName(answer.version);
  return {
    program: answer.program,
    version: answer.version,
    prefix: answer.prefix,
    venv: answer.venv,
    libpython: answer.libraries.find((folder) => existsSync(join(folder, library))),
    pip: answer.pip ?? undefined,
    distutils: answer.distutils ? "" : undefined,
  };
}

interface Answer {
  implementation: string;
  version: string;
  program: string;
  prefix: string;
  venv: boolean;
  /** Folders where the installation may keep its shared library. */
  libraries: string[];
  pip: string | null;
  distutils: boolean;
}

/**
 * Asked of each interpreter. Only folders of the same installation are asked for the library: one of
 * another build of the same version would bring another standard library with it. pip is looked for
 * as the wheel that `ensurepip` would install, then as the package itself.
 */
const QUESTIONS = `
import glob, importlib.util, json, os, platform, sys, sysconfig
var = sysconfig.get_config_var
library = var("LIBDIR") or ""
arch = var("MULTIARCH") or ""
lib = os.path.join(sys.base_prefix, "lib")
has = lambda name: importlib.util.find_spec(name) is not None
wheels = [var("WHEEL_PKG_DIR")]
if sys.base_prefix == "/usr":
    wheels.append("/usr/share/python-wheels")
if has("ensurepip"):
    import ensurepip
    wheels.insert(0, os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"))
pip = [w for d in wheels if d for w in sorted(glob.glob(os.path.join(d, "pip-*.whl")))]
if not pip and has("pip"):
    pip = [os.path.dirname(importlib.util.find_spec("pip").origin)]
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": "%d.%d" % sys.version_info[:2],
    "program": sys.executable,
    "prefix": sys.base_prefix,
    "venv": has("venv"),
    "libraries": [library, os.path.join(library, arch), lib, os.path.join(lib, arch)],
    "pip": pip[0] if pip else None,
    "distutils": sys.version_info >= (3, 11) or (has("distutils") and has("distutils.cmd")),
}))
`;
