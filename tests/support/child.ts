/**
 * Programs of the tests in a process of their own, on the runtime that runs the test.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it wrote, errors too. */
  readonly output: string;
}

/** A running child. */
export interface Child {
  readonly pid: number;
  readonly end: Promise<ChildEnd>;
}

/** The arguments with which this runtime runs a TypeScript file. */
function commandOf(script: string): string[] {
  return process.versions.bun === undefined ? ["run", "-A", "--quiet", script] : [script];
}

/**
 * Starts `script` with `args`. After `limitMs` it is killed. It writes to a file: a pipe would stay open
 * for as long as any process that the child has left behind.
 */
export function startChild(script: string, args: readonly string[], limitMs = 60_000): Child {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-child-"));
  const log = join(folder, "output");
  const output = openSync(log, "w");
  const command = [...commandOf(script), ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", output, output] });
  const pid = child.pid as number;
  const end = new Promise<ChildEnd>((resolve, reject) => {
    const limit = setTimeout(() => process.kill(pid, "SIGKILL"), limitMs);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(limit);
      closeSync(output);
      resolve({ code, signal, output: readFileSync(log, "utf8") });
      rmSync(folder, { recursive: true });
    });
  });
  return { pid, end };
}
