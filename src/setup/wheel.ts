/**
 * Triton out of its wheel: unpacked, reduced to what is run, and joined with a Python.
 *
 * @module
 */

import { chmodSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzip, type Venv } from "./pip.ts";
import { run } from "./run.ts";

/** Paths inside a set-up folder. The wheel's libraries find each other by their relative places. */
export const LAYOUT = {
  wheel: "triton",
  libraries: "triton/nvidia_pytriton.libs",
  server: "triton/pytriton/tritonserver/bin/tritonserver",
  backends: "triton/pytriton/tritonserver/backends",
  caches: "triton/pytriton/tritonserver/caches",
  launcher: "triton/pytriton/tritonserver/backends/python/triton_python_backend_stub",
  stubs: "triton/pytriton/tritonserver/python_backend_stubs",
  venv: "venv",
  libpython: "libpython",
  pip: "pip",
} as const;

/** Path of the real stub for Python `version`, inside a set-up folder. */
export function stubPath(version: string): string {
  return join(LAYOUT.stubs, version, "triton_python_backend_stub");
}

/** Path of Triton's library inside the set-up folder `directory`; its name holds a hash. */
export function libraryPath(directory: string): string {
  const name = readdirSync(join(directory, LAYOUT.libraries))
    .find((file) => /^libtritonserver.*\.so$/.test(file));
  if (name === undefined) {
    throw new Error(`Cannot find libtritonserver-*.so in '${join(directory, LAYOUT.libraries)}'.`);
  }
  return join(LAYOUT.libraries, name);
}

/** Unpacks `wheel` into the set-up folder `directory` and takes away what is never run. */
export async function unpackTriton(
  venv: Venv,
  wheel: string,
  directory: string,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  await unzip(venv, wheel, join(directory, LAYOUT.wheel), signal);
  keepOnly(join(directory, LAYOUT.wheel, "pytriton"), ["tritonserver"]);
  keepOnly(join(directory, LAYOUT.stubs), [version]);
  // Python's zipfile drops the permissions that a wheel carries.
  chmodSync(join(directory, LAYOUT.server), 0o755);
  chmodSync(join(directory, stubPath(version)), 0o755);
}

/** Puts the launcher for Python `version` where the Python backend expects its stub. */
export function writeLauncher(directory: string, version: string): void {
  const launcher = join(directory, LAYOUT.launcher);
  writeFileSync(launcher, launcherText(version));
  chmodSync(launcher, 0o755);
}

/** Asks the loader whether both programs of the set-up find their libraries; throws if not. */
export async function assertLoads(
  directory: string,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  const environment = { LD_LIBRARY_PATH: join(directory, LAYOUT.libpython) };
  const programs = [LAYOUT.server, stubPath(version)].map((path) => join(directory, path));
  const { stdout, stderr } = await run(["ldd", ...programs], { environment, signal });
  const missing = (stdout + stderr).split("\n").filter((line) => line.includes("not found"));
  if (missing.length === 0) return;
  throw new Error(
    `Cannot run the Triton that was just set up, for lack of libraries:\n${missing.join("\n")}\n` +
      "On Debian and Ubuntu: apt-get install libstdc++6 zlib1g libexpat1.",
  );
}

/**
 * The Python backend starts the stub with the environment of the process that has loaded Triton, which
 * may be any. So the launcher says itself where libpython and the venv are. An environment that a
 * model brings along (EXECUTION_ENV_PATH) is first on the PATH already and stays first.
 */
function launcherText(version: string): string {
  const home = "../".repeat(LAYOUT.launcher.split("/").length - 1).slice(0, -1);
  return `#!/bin/sh
# Starts Triton's Python stub on the Python of this set-up folder.
here=$(PATH=$PATH:/usr/bin:/bin && dirname -- "$(readlink -f -- "$0")")
home=$(cd -- "$here/${home}" && pwd)
case $PATH in
  /tmp/python_env_*) LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$home/${LAYOUT.libpython} ;;
  *)
    PATH=$home/${LAYOUT.venv}/bin\${PATH:+:$PATH}
    LD_LIBRARY_PATH=$home/${LAYOUT.libpython}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ;;
esac
export PATH LD_LIBRARY_PATH
exec "$home/${stubPath(version)}" "$@"
`;
}

function keepOnly(folder: string, names: string[]): void {
  for (const name of readdirSync(folder)) {
    if (!names.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
