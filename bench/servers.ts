/**
 * The servers that a benchmark compares: the C++ `tritonserver` of the set-up Triton, and ours on each
 * runtime, all serving the same echo model from the same backend on one core of the machine.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { setUpTriton } from "../src/setup/setup.ts";
import { runtimeCommand } from "../tests/support/command.ts";
import { ECHO_MODELS, echoBackends } from "../tests/support/echo_backend.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** The core that servers run on; loads have another. */
const SERVER_CORE = "0";
const START_LIMIT_MS = 60_000;

/** A server under load. */
export interface BenchServer {
  readonly name: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** The CPU time that it has used so far, in microseconds. */
  cpuMicroseconds(): number;
  /** The most memory that it has had, in bytes. */
  peakMemory(): number;
  stop(): Promise<void>;
}

/** Starts the C++ server and ours on both runtimes, the C++ one first. */
export async function startServers(): Promise<BenchServer[]> {
  const triton = await setUpTriton({ progress: console.error });
  const backends = echoBackends(triton);
  const flags = (port: number) => [
    `--model-repository=${ECHO_MODELS}`,
    `--backend-directory=${backends}`,
    `--http-port=${port}`,
    `--grpc-port=${port + 1}`,
    `--metrics-port=${port + 2}`,
    "--http-address=127.0.0.1",
    "--grpc-address=127.0.0.1",
    "--log-info=false",
    "--log-warning=false",
    "--log-error=false",
  ];
  const serve = [join(root, "cli.ts"), "serve"];
  const deno = [...runtimeCommand("deno"), "run", "-A", ...serve];
  const bun = [...runtimeCommand("bun"), "run", ...serve];
  return await Promise.all([
    start("C++", [triton.tritonserver], flags(18000), 18000),
    start("Deno", deno, flags(18010), 18010),
    start("Bun", bun, flags(18020), 18020),
  ]);
}

async function start(
  name: string,
  command: readonly string[],
  flags: readonly string[],
  port: number,
): Promise<BenchServer> {
  const log = join(mkdtempSync(join(tmpdir(), "triton-ts-bench-")), "log");
  const output = openSync(log, "w");
  const child = spawn("taskset", ["-c", SERVER_CORE, ...command, ...flags], {
    cwd: root,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  for (const limit = Date.now() + START_LIMIT_MS; !(await isReady(port));) {
    if (child.exitCode !== null || Date.now() > limit) {
      throw new Error(`Cannot start ${name}:\n${readFileSync(log, "utf8")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const pid = serverPid(child);
  return {
    name,
    httpPort: port,
    grpcPort: port + 1,
    cpuMicroseconds: () => cpuMicroseconds(pid),
    peakMemory: () => peakMemory(pid),
    stop: async () => {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGTERM");
      await ended;
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v2/health/ready`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** The server itself: a runtime that npm installed is a child of its wrapper. */
function serverPid(child: ChildProcess): number {
  let pid = child.pid as number;
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children === "") return pid;
    pid = Number(children.split(" ")[0]);
  }
}

function cpuMicroseconds(pid: number): number {
  // Fields 14 and 15, counted from behind the name, which may hold blanks.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) * 1e6 / ticksPerSecond;
}

function peakMemory(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return Number(kilobytes) * 1024;
}
