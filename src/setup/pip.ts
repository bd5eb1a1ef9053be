/**
 * Virtual environments and pip in them. pip is the only one here that talks to a package index, so
 * that the user's index, proxy and certificates apply.
 *
 * @module
 */

import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import { type CompletePython, libpythonName } from "./python.ts";
import { lastLines, run } from "./run.ts";

/** Errors of pip that have a remedy we can name, by what its output says. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /No space left|Errno 28/,
    "The disk is full: make room, or name folders on another disk with TRITON_TS_HOME and TMPDIR.",
  ],
  [
    /CERTIFICATE_VERIFY_FAILED|SSLError/,
    "A certificate was not accepted: tell pip your certificates with PIP_CERT or 'cert' in pip.conf.",
  ],
  [
    /name resolution|NewConnectionError|ConnectionError|timed out|ProxyError|HTTP error 4/,
    "The package index was not reached: check the network, or tell pip your index or proxy with " +
    "PIP_INDEX_URL or PIP_PROXY.",
  ],
  [
    /Permission denied|Errno 13/,
    "A folder cannot be written: name another with TRITON_TS_HOME.",
  ],
  [
    /DO NOT MATCH THE HASHES/,
    "The index offers another file of that name than the one expected: use another index.",
  ],
  [
    /No matching distribution/,
    "The package index was not reached, or has no such package: check the network, and which index " +
    "pip uses with 'pip config list'.",
  ],
];

/** A virtual environment with the pip that fills it. */
export interface Venv {
  /** Its folder. */
  directory: string;
  /** The folder that holds pip's package, kept outside the venv. */
  pip: string;
  /** The folder with the shared libraries of the venv's Python. */
  libraries: string;
}

/** How pip is run. */
export interface PipOptions {
  progress?: (line: string) => void;
  signal?: AbortSignal;
}

/** Absolute path of the venv's interpreter. */
export function venvPython(directory: string): string {
  return join(directory, "bin", "python3");
}

/**
 * Makes a venv of `python` for the set-up folder `root`, and puts its pip beside it: Debian's Python
 * cannot put pip into a venv without a further package.
 */
export async function makeVenv(
  python: CompletePython,
  root: string,
  venv: Venv,
  signal?: AbortSignal,
): Promise<void> {
  linkLibraries(python, root, venv.libraries);
  const { program, pip, distutils } = python;
  const made = await run([program, "-I", "-m", "venv", "--without-pip", venv.directory], {
    environment: environmentOf(venv),
    signal,
  });
  if (made.code !== 0) {
    const reason = lastLines(made.stderr || made.stdout, 5);
    throw new Error(`Cannot make a venv with '${program}':\n${reason}`);
  }
  mkdirSync(venv.pip, { recursive: true });
  if (statSync(pip).isDirectory()) cpSync(pip, join(venv.pip, "pip"), { recursive: true });
  else await unzip(venv, pip, venv.pip, signal);
  if (distutils) {
    // Its __init__.py stays with the interpreter, and holds no more than a version number.
    cpSync(distutils, join(venv.pip, "distutils"), { recursive: true });
    writeFileSync(join(venv.pip, "distutils", "__init__.py"), "");
  }
}

/**
 * Links libpython into a folder of its own, so that a search path with that folder leads to nothing
 * else; for a Python that was fetched into `root`, all the libraries that came with it.
 */
function linkLibraries(python: CompletePython, root: string, into: string): void {
  mkdirSync(into, { recursive: true });
  const fetched = python.libpython.startsWith(`${root}/`);
  const names = fetched
    ? readdirSync(python.libpython).filter((name) => /\.so\.\d/.test(name))
    : [libpythonName(python.version)];
  for (const name of names) {
    const library = join(python.libpython, name);
    symlinkSync(fetched ? relative(into, library) : library, join(into, name));
  }
}

/** Unpacks a zip file, such as a wheel, with Python's standard library. */
export async function unzip(
  venv: Venv,
  file: string,
  into: string,
  signal?: AbortSignal,
): Promise<void> {
  const { code, stderr } = await run(
    [venvPython(venv.directory), "-I", "-m", "zipfile", "-e", file, into],
    { environment: environmentOf(venv), signal },
  );
  if (code !== 0) throw pipError(`Cannot unpack ${basename(file)}`, stderr);
}

/** Installs `packages` into the venv. Wheels only: a fresh machine has no compiler. */
export async function pipInstall(
  venv: Venv,
  packages: readonly string[],
  options: PipOptions,
): Promise<void> {
  await pip(venv, ["install", "--prefer-binary", ...packages], options);
}

/** Downloads the file of one package, without what it depends on, into the folder `into`. */
export async function pipDownload(
  venv: Venv,
  wheel: { name: string; version: string; sha256: string },
  into: string,
  options: PipOptions,
): Promise<string> {
  mkdirSync(into, { recursive: true });
  const requirements = join(into, "requirements.txt");
  const { name, version, sha256 } = wheel;
  writeFileSync(requirements, `${name}==${version} --hash=sha256:${sha256}\n`);
  const args = [
    "--no-deps",
    "--only-binary",
    ":all:",
    "--dest",
    into,
    "--requirement",
    requirements,
  ];
  await pip(venv, ["download", ...args], options);
  const file = readdirSync(into).find((entry) => entry.endsWith(".whl"));
  if (file === undefined) {
    throw new Error(`Cannot find the wheel of ${name} that pip put in '${into}'.`);
  }
  return join(into, file);
}

/**
 * Makes a venv that was filled in the folder `from` right for its place `to`, before it is renamed:
 * the links to its interpreter, its configuration and the first lines of its scripts name the place.
 */
export function relocateVenv(venv: string, from: string, to: string): void {
  const bin = join(venv, "bin");
  const scripts = readdirSync(bin).map((name) => join(bin, name));
  for (const path of [join(venv, "pyvenv.cfg"), ...scripts]) {
    if (lstatSync(path).isSymbolicLink()) {
      const target = readlinkSync(path);
      if (!target.startsWith(`${from}/`)) continue;
      unlinkSync(path);
      symlinkSync(relative(dirname(path), target), path);
    } else if (lstatSync(path).isFile()) {
      const text = readFileSync(path, "utf8");
      if (text.includes(from)) writeFileSync(path, text.replaceAll(from, to));
    }
  }
}

function environmentOf(venv: Venv): Record<string, string> {
  const others = process.env.LD_LIBRARY_PATH;
  return { LD_LIBRARY_PATH: [venv.libraries, others].filter(Boolean).join(":") };
}

async function pip(venv: Venv, args: string[], options: PipOptions): Promise<void> {
  const settings = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  const [command = "", ...rest] = args;
  const result = await run(
    [venvPython(venv.directory), "-I", join(venv.pip, "pip"), command, ...settings, ...rest],
    {
      environment: environmentOf(venv),
      signal: options.signal,
      line: (text) => report(text, options.progress),
    },
  );
  if (result.code === 0) return;
  throw pipError(`pip ${command} failed`, result.stderr || result.stdout);
}

/** Passes on what takes long, with its size, such as "Downloading x.whl (55.4 MB)". */
function report(text: string, progress?: (line: string) => void): void {
  const line = /^\s*(Downloading|Using cached) (\S+) (\([\d.]+ [kMG]?B\))/.exec(text);
  if (!line || /\.metadata$/.test(line[2] ?? "")) return;
  const [, verb, file = "", size] = line;
  const name = basename(file).split("-").slice(0, 2).join(" ");
  progress?.(
    `${verb === "Downloading" ? "Downloading" : "Taking from pip's cache"} ${name} ${size}`,
  );
}

/** The frames of a traceback are left out: its last line says what went wrong. */
function pipError(what: string, output: string): Error {
  const told = output.split("\n").filter((line) => !/^(\s|Traceback)/.test(line)).join("\n");
  const remedy = REMEDIES.find(([pattern]) => pattern.test(output))?.[1];
  return new Error([`${what}:`, lastLines(told, 5), remedy].filter(Boolean).join("\n"));
}
