/**
 * Deciding which Python a set-up runs on, and fetching what that one lacks.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fetchPackages, hasApt, olderRelease } from "./debian.ts";
import {
  type CompletePython,
  findInterpreters,
  type Interpreter,
  isComplete,
  libpythonName,
  PYTHON_VERSIONS,
} from "./python.ts";

/** How a Python is chosen. */
export interface ChooseOptions {
  /** Search path instead of `PATH`. */
  path?: string;
  progress?: (line: string) => void;
  signal?: AbortSignal;
}

/** The folder in `staging` that receives what is fetched. */
const FETCHED = "python";

/** Where Debian's packages keep libraries and the wheel of pip. */
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const WHEELS = "usr/share/python-wheels";

/**
 * A Python that is complete: one of the machine; else the distribution's, with the missing parts
 * fetched into the folder `staging`; else the whole Python of an older release of the distribution.
 */
export async function choosePython(
  staging: string,
  options: ChooseOptions = {},
): Promise<CompletePython> {
  const found = await findInterpreters(options);
  const ready = found.find(isComplete);
  if (ready) return ready;
  const failures: string[] = [];
  if (await hasApt(options.signal)) {
    const attempts = [
      () => completeOwn(found, staging, options),
      () => fetchOlder(staging, options),
    ];
    for (const attempt of attempts) {
      try {
        const python = await attempt();
        if (python) return python;
      } catch (error) {
        options.signal?.throwIfAborted();
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  throw new Error(explain(found, failures));
}

/** The distribution's own Python with its library and pip fetched, if these are all it lacks. */
async function completeOwn(
  found: Interpreter[],
  staging: string,
  { progress, signal }: ChooseOptions,
): Promise<CompletePython | undefined> {
  const own = found.find((interpreter) => interpreter.prefix === "/usr" && interpreter.venv);
  if (own === undefined) return undefined;
  const packages = debianPackages(own);
  progress?.(`Fetching ${packages.join(", ")} for ${own.program} (about 4 MB)`);
  const into = join(staging, FETCHED);
  await fetchPackages(packages, { work: join(staging, "apt"), into, signal });
  return {
    ...own,
    libpython: own.libpython ?? join(into, LIBRARIES),
    pip: own.pip ?? fetchedPip(into),
    distutils: own.distutils ?? join(into, "usr/lib", `python${own.version}`, "distutils"),
  };
}

/** The Python of a release of this distribution that has one Triton can use. */
async function fetchOlder(
  staging: string,
  { progress, signal }: ChooseOptions,
): Promise<CompletePython | undefined> {
  const release = olderRelease();
  if (release === undefined) return undefined;
  const python = `python${release.python}`;
  progress?.(
    `Fetching ${python} of the release '${release.codename}', as no Python here fits (about 20 MB)`,
  );
  const into = join(staging, FETCHED);
  const packages = [
    python,
    `${python}-minimal`,
    `lib${python}`,
    `lib${python}-stdlib`,
    `lib${python}-minimal`,
    "python3-pip-whl",
    ...release.others,
  ];
  await fetchPackages(packages, { work: join(staging, "apt"), into, release, signal });
  return {
    program: join(into, "usr/bin", python),
    version: release.python,
    prefix: join(into, "usr"),
    venv: true,
    libpython: join(into, LIBRARIES),
    pip: fetchedPip(into),
    distutils: "",
  };
}

function fetchedPip(into: string): string {
  const folder = join(into, WHEELS);
  const wheel = readdirSync(folder).find((name) => /^pip-.*\.whl$/.test(name));
  if (wheel === undefined) throw new Error(`Cannot find the wheel of pip in '${folder}'.`);
  return join(folder, wheel);
}

/** The packages that bring what `interpreter` lacks, when it is the distribution's own. */
function debianPackages({ version, libpython, pip, venv, distutils }: Interpreter): string[] {
  const packages: string[] = [];
  if (libpython === undefined) packages.push(`libpython${version}`);
  if (!venv) packages.push(`python${version}-venv`);
  if (pip === undefined) packages.push("python3-pip-whl");
  if (distutils === undefined) packages.push("python3-distutils");
  return packages;
}

function explain(found: Interpreter[], failures: string[]): string {
  const oldest = PYTHON_VERSIONS.at(-1);
  const newest = PYTHON_VERSIONS[0];
  const lines = found.map((interpreter) => {
    const { program, version, libpython, venv, pip, distutils } = interpreter;
    const missing = [
      libpython === undefined ? libpythonName(version) : "",
      venv ? "" : "the module venv",
      pip === undefined ? "pip" : "",
      distutils === undefined ? "the module distutils" : "",
    ].filter(Boolean);
    return `  ${program} (${version}) has no ${missing.join(" and no ")}`;
  });
  if (lines.length === 0) {
    lines.push(`  no python3 of version ${oldest} to ${newest} is on the PATH`);
  }
  const own = found.find((interpreter) => interpreter.prefix === "/usr");
  const remedy = own
    ? `Install what is missing: apt-get install ${debianPackages(own).join(" ")}.`
    : "Put such a Python on the PATH (on Debian 12 and Ubuntu 22.04 or 24.04: " +
      "apt-get install python3 python3-venv libpython3-dev).";
  return [
    `Cannot set up Triton: it needs a Python ${oldest} to ${newest} with venv, pip and a shared library.`,
    ...lines,
    ...failures,
    remedy,
  ].join("\n");
}
