/**
 * Commands of the tools in this folder.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT: string = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** How a command ended, and everything that it wrote. */
export interface Outcome {
  /** Null when it was killed. */
  readonly code: number | null;
  readonly output: string;
}

/** A runtime's command: itself where it is installed, else through npx. */
export function runtimeCommand(name: "deno" | "bun"): string[] {
  const found = spawnSync(name, ["--version"], { stdio: "ignore" });
  return found.status === 0 ? [name] : ["npx", "-y", name === "deno" ? "deno@2" : "bun@1"];
}

/**
 * Runs a command at the root of the repository, and kills it after `limitMs`. Its output goes to the file
 * `log`: a pipe would stay open for as long as a process that it left behind.
 */
export function runCommand(
  [command, ...args]: readonly string[],
  { log, limitMs, env = {} }: { log: string; limitMs: number; env?: Record<string, string> },
): Promise<Outcome> {
  const output = openSync(log, "w");
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
    });
    const limit = setTimeout(() => process.kill(child.pid as number, "SIGKILL"), limitMs);
    const done = (code: number | null) => {
      clearTimeout(limit);
      closeSync(output);
      resolve({ code, output: readFileSync(log, "utf8") });
    };
    child.on("exit", done);
    child.on("error", () => done(127));
  });
}
