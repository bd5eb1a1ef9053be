/**
 * The C compiler for the bridge and for backends in C that tests and benchmarks need: a pinned one from
 * PyPI, in the user's cache, so that the same source gives the same bytes anywhere. Not used at run time.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const COMPILER = "ziglang==0.13.0";

/** What installs the compiler where it is missing: a pip of the machine. */
const PIP = ["python3", "-m", "pip"];

/**
 * Runs the compiler in `folder`, after `pip`, a command, has installed it when it is missing. Throws what it
 * complains of.
 */
export function compile(
  args: readonly string[],
  folder: string,
  pip: readonly string[] = PIP,
): void {
  run("python3", ["-m", "ziglang", "cc", ...args], folder, { PYTHONPATH: compilerFolder(pip) });
}

function compilerFolder([program, ...args]: readonly string[]): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "triton-ts", COMPILER.replace("==", "-"));
  if (existsSync(folder)) return folder;
  const staging = `${folder}.${process.pid}`;
  console.error(`Installing ${COMPILER} into ${folder}`);
  try {
    run(program, [...args, "install", "--quiet", "--target", staging, COMPILER]);
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return folder;
}

function run(
  command: string,
  args: readonly string[],
  cwd?: string,
  env?: Record<string, string>,
): void {
  const done = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (done.status !== 0) {
    throw new Error(`Cannot run ${command} ${args.join(" ")}:\n${done.error ?? done.stderr}`);
  }
}
