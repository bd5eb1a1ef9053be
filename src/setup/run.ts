/**
 * Running another program to its end: output kept, lines reported, stopped by a signal.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";

/** How a program is run. */
export interface RunOptions {
  /** Working directory. Default: that of this process. */
  directory?: string;
  /** Variables added to this process's environment; `undefined` takes one away. */
  environment?: Record<string, string | undefined>;
  /** Called with each line of standard output as it is completed. */
  line?: (text: string) => void;
  /** Terminates the program and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What a program left behind. `code` is -1 if it could not be started or died of a signal. */
export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `command` (program, then its arguments) without a shell; rejects only when aborted. */
export async function run(
  command: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: options.directory,
    env: mergedEnvironment(options.environment),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => child.kill("SIGTERM");
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    return await outcome(child, options);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    options.signal?.throwIfAborted();
  }
}

/** The last `count` lines of `text` that are not empty: where programs say why they failed. */
export function lastLines(text: string, count: number): string {
  return text.split("\n").filter((line) => line.trim() !== "").slice(-count).join("\n");
}

function outcome(child: ReturnType<typeof spawn>, options: RunOptions): Promise<RunResult> {
  let stdout = "";
  let stderr = "";
  let unfinished = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    const lines = (unfinished + text).split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) options.line?.(line);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text);
  return new Promise((resolve) => {
    child.on("error", ({ message }) => resolve({ code: -1, stdout, stderr: stderr + message }));
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

function mergedEnvironment(changes: RunOptions["environment"] = {}): Record<string, string> {
  const all = { ...process.env, ...changes };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
