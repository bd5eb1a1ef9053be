/**
 * The servers that a benchmark compares: the C++ `tritonserver` of the set-up Triton, and ours on each
 * runtime, all serving the same echo model from the same backend on one core of the machine.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TritonInstallation } from "../src/setup/installation.ts";
import { setUpTriton } from "../src/setup/setup.ts";
import { runtimeCommand } from "../tests/support/command.ts";
import { ECHO_MODELS, echoBackends } from "../tests/support/echo_backend.ts";
import { HttpConnection, httpRequest } from "./http_connection.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** The core that servers run on; loads have another. */
export const SERVER_CORE = "0";
const START_LIMIT_MS = 60_000;
/** How often a server is asked whether it is ready. */
const ASK_MS = 3;

const READY = httpRequest("/v2/health/ready");

/** A server under load. */
export interface BenchServer {
  readonly name: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  /** Of its process. */
  readonly pid: number;
  /** How long it took from the start of its process until it was ready, in milliseconds. */
  readonly startMilliseconds: number;
  /** The CPU time that it has used so far, in microseconds. */
  cpuMicroseconds(): number;
  /** The memory that it has, in bytes. */
  residentMemory(): ResidentMemory;
  /** The most memory that it has had since it started, or since `forgetPeak()`, in bytes. */
  peakMemory(): number;
  /** Lets the peak begin at what it has now. */
  forgetPeak(): void;
  /** What it has written so far. */
  output(): string;
  stop(): Promise<void>;
}

/** What a process has in memory, in bytes. */
export interface ResidentMemory {
  /** All of it: also pages of files, such as libraries, which processes share and the kernel may take back. */
  readonly whole: number;
  /** What it has allocated: this is what connections and requests cost. */
  readonly own: number;
}

/** A server that can be started. */
export interface ServerStart {
  readonly name: string;
  start(): Promise<BenchServer>;
}

/** How often a case is tried, because the C++ server crashes at times. */
const MOST_TRIES = 3;
const END_MS = 1000;

/**
 * What `measure` finds on servers that nothing was asked before; by default the C++ server and ours on both
 * runtimes, the C++ one first. When that one ends meanwhile, which it does at times, others are started.
 */
export async function onFreshServers<T>(
  measure: (servers: readonly BenchServer[]) => Promise<T>,
  starts?: readonly ServerStart[],
): Promise<T> {
  starts ??= await serverStarts();
  for (let left = MOST_TRIES - 1;; left--) {
    const servers = await Promise.all(starts.map(({ start }) => start()));
    try {
      return await measure(servers);
    } catch (error) {
      // A load that fails may be faster than the end of a process.
      await new Promise((resolve) => setTimeout(resolve, END_MS));
      const ended = servers.filter(({ pid }) => !existsSync(`/proc/${pid}`));
      if (left === 0 || ended.length !== 1 || ended[0] !== servers[0]) throw error;
      console.error(`The C++ server has crashed: ${servers[0].output()}Once more.`);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
}

/** The Triton of the benchmark, and its backends with the echo backend. */
export async function benchTriton(): Promise<{ triton: TritonInstallation; backends: string }> {
  const triton = await setUpTriton({ progress: console.error });
  return { triton, backends: echoBackends(triton) };
}

/**
 * The servers, in the same order, to be started one by one. Ours are there with each number of `threads`,
 * undefined for the default.
 */
export async function serverStarts(
  threads: readonly (number | undefined)[] = [undefined],
  cores = SERVER_CORE,
): Promise<ServerStart[]> {
  const { triton, backends } = await benchTriton();
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
  const commands = [
    { name: "C++", command: [triton.tritonserver] },
    { name: "Deno", command: [...runtimeCommand("deno"), "run", "-A", ...serve] },
    { name: "Bun", command: [...runtimeCommand("bun"), "run", ...serve] },
  ];
  return commands.flatMap(({ name, command }, index) => {
    // The C++ server's own numbers of threads are more than there are cores.
    const variants = name === "C++" ? [undefined] : threads;
    return variants.map((count, variant) => {
      const port = 18000 + 100 * index + 10 * variant;
      const counts = count === undefined || count === 1
        ? []
        : [`--http-thread-count=${count}`, `--grpc-infer-thread-count=${count}`];
      const shown = count === undefined ? name : `${name} x${count}`;
      const all = [...command, ...flags(port), ...counts];
      return { name: shown, start: () => start(shown, all, port, cores) };
    });
  });
}

async function start(
  name: string,
  command: readonly string[],
  port: number,
  cores: string,
): Promise<BenchServer> {
  const log = join(mkdtempSync(join(tmpdir(), "triton-ts-bench-")), "log");
  const output = openSync(log, "w");
  const started = performance.now();
  const child = spawn("taskset", ["-c", cores, ...command], {
    cwd: root,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  for (const limit = Date.now() + START_LIMIT_MS; !(await isReady(port));) {
    if (child.exitCode !== null || Date.now() > limit) {
      throw new Error(`Cannot start ${name}:\n${readFileSync(log, "utf8")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
  const startMilliseconds = performance.now() - started;
  const pid = serverPid(child);
  return {
    name,
    httpPort: port,
    grpcPort: port + 1,
    pid,
    startMilliseconds,
    cpuMicroseconds: () => cpuMicroseconds(pid),
    residentMemory: () => {
      const own = memoryOf(pid, "RssAnon") + memoryOf(pid, "RssShmem");
      return { whole: memoryOf(pid, "VmRSS"), own };
    },
    peakMemory: () => memoryOf(pid, "VmHWM"),
    forgetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, "5"),
    output: () => readFileSync(log, "utf8"),
    stop: async () => {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGTERM");
      await ended;
    },
  };
}

/** Asks on a connection of its own: the C++ server would wait for one that stays, when it stops. */
async function isReady(port: number): Promise<boolean> {
  try {
    const connection = await HttpConnection.open(port);
    await connection.ask(READY).finally(() => connection.close());
    return true;
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

/** A line of the kernel's account of a process, in bytes. */
function memoryOf(pid: number, name: "VmRSS" | "RssAnon" | "RssShmem" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)![1]) * 1024;
}
