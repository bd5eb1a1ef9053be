/**
 * Scripts as processes of the runtime that runs the test.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const RUN = process.versions.bun ? ["run"] : ["run", "-A", "--quiet"];
const LIMIT_MS = 110_000;

/** How a script ended. */
export interface Ended {
  /** The exit code, or the signal that killed it. */
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script that runs. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** The first match of `pattern` in its output. Rejects when it ends, or is killed, without one. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: "SIGINT" | "SIGKILL"): void;
}

/**
 * Runs the script at `path` in `cwd` (default: the root of the repository), and kills it if it takes too
 * long. Its output goes through files in `folder`: a pipe would stay open for as long as a process that it
 * left behind.
 */
export function startScript(
  path: string,
  args: readonly string[],
  { folder, cwd = ROOT }: { folder: string; cwd?: string },
): Running {
  const files = ["stdout", "stderr"].map((name) => join(folder, name));
  const [out, err] = files.map((file) => openSync(file, "w"));
  const child = spawn(process.execPath, [...RUN, path, ...args], {
    cwd,
    stdio: ["ignore", out, err],
  });
  closeSync(out);
  closeSync(err);
  // Deno's child.kill() makes the exit code unknown, whatever the process does with the signal.
  const kill = (signal: "SIGINT" | "SIGKILL") => void process.kill(child.pid!, signal);
  const limit = setTimeout(() => kill("SIGKILL"), LIMIT_MS);
  let over = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(limit);
      over = true;
      const [stdout, stderr] = files.map((file) => readFileSync(file, "utf8"));
      resolve({ code: code ?? signal, stdout, stderr });
    });
  });
  const says = async (pattern: RegExp) => {
    for (;;) {
      const wasOver = over;
      const match = pattern.exec(readFileSync(files[0], "utf8"));
      if (match) return match;
      if (wasOver) throw new Error(`${path} ended without ${pattern}: ${(await ended).stderr}`);
      await sleep(50);
    }
  };
  return { ended, says, kill };
}

/** Runs a script to its end, as {@link startScript} does. */
export function runScript(path: string, args: readonly string[], folder: string): Promise<Ended> {
  return startScript(path, args, { folder }).ended;
}
