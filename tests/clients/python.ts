/**
 * A process of Triton's Python clients that runs the scenarios of this folder one by one.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ensureClientVenv } from "../support/client_venv.ts";

/** The ports that scenarios connect to, by the names that they use, and what else these need. */
export type Ports = Readonly<Record<string, number | string>>;

/** A running script. */
export class PythonClient {
  /** The names of the scenarios that the script has. */
  readonly scenarios: readonly string[];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, scenarios: string[]) {
    this.#child = child;
    this.#lines = lines;
    this.scenarios = scenarios;
  }

  /** Starts `script`, a file of this folder. */
  static async start(script: string): Promise<PythonClient> {
    const { python } = await ensureClientVenv({ progress: console.error });
    const path = fileURLToPath(new URL(script, import.meta.url).href);
    const child = spawn(python, ["-B", path], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = (createInterface({ input: child.stdout! }) as Interface)[Symbol.asyncIterator]();
    return new PythonClient(child, lines, JSON.parse(await nextLine(lines)));
  }

  /** Runs one scenario; rejects with its Python traceback when it fails. */
  async run(name: string, ports: Ports): Promise<void> {
    this.#child.stdin!.write(`${JSON.stringify({ name, ports })}\n`);
    const { error } = JSON.parse(await nextLine(this.#lines));
    if (error !== null) throw new Error(`scenario ${name} failed:\n${error}`);
  }

  /** Ends the process and resolves to its exit code. */
  stop(): Promise<number | null> {
    return new Promise((resolve) => {
      const kill = setTimeout(() => process.kill(this.#child.pid as number, "SIGKILL"), 20_000);
      this.#child.on("exit", (code) => {
        clearTimeout(kill);
        resolve(code);
      });
      this.#child.stdin!.end();
    });
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error("the Python process has ended");
  return value;
}
