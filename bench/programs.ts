/**
 * The programs that put loads on servers: wrk for HTTP, h2load for gRPC and for a given rate, a client of
 * our own for streams, and Triton's own Python client.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureClientVenv } from "../tests/support/client_venv.ts";
import { runtimeCommand } from "../tests/support/command.ts";
import { type BodyFile, temporaryPath } from "./bodies.ts";

/** The core that loads run on; the servers have another. */
const LOAD_CORE = "1";

/** What a load found. */
export interface Measured {
  /** Requests that were answered well, each second. */
  readonly rate: number;
  /** Milliseconds within which half of them, and 99 of 100, were answered. */
  readonly p50: number;
  readonly p99: number;
}

/** Whether a program can be run. */
export function installed(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Requests by HTTP/1.1, each connection sending its next when it has its answer. */
export async function wrk(
  url: string,
  seconds: number,
  connections: number,
  body?: BodyFile,
): Promise<Measured> {
  const script: string[] = [];
  if (body !== undefined) {
    const path = `${body.path}.lua`;
    const headers = Object.entries(body.headers).map(([name, value]) =>
      `wrk.headers["${name}"] = "${value}"\n`
    );
    writeFileSync(
      path,
      `wrk.method = "POST"\nwrk.body = io.open("${body.path}", "rb"):read("*a")\n${
        headers.join("")
      }`,
    );
    script.push("-s", path);
  }
  const load = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...script, url];
  const report = await run("wrk", load);
  // The C++ server drops a connection now and then while it streams.
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(
    report,
  );
  const lost = errors?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0;
  if (/Non-2xx/.test(report) || lost > connections) throw new Error(`${url}:\n${report}`);
  return {
    rate: Number(report.match(/Requests\/sec:\s*([\d.]+)/)?.[1]),
    p50: milliseconds(report.match(/50%\s+([\d.]+\w+)/)?.[1]),
    p99: milliseconds(report.match(/99%\s+([\d.]+\w+)/)?.[1]),
  };
}

function milliseconds(text = "NaNms"): number {
  const units: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
  const [, number, unit] = /^([\d.]+|NaN)(\w+)$/.exec(text) ?? [];
  return Number(number) * units[unit];
}

/** How {@link h2load} loads. */
export interface H2Load {
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly streams: number;
  /** HTTP/1.1 instead of HTTP/2. */
  readonly http1?: boolean;
  /** Requests each second, whatever the answers take; absent for as many as the server answers. */
  readonly rate?: number;
}

/** Requests by HTTP/2. */
export async function h2load(
  url: string,
  seconds: number,
  body: BodyFile,
  { connections, streams, http1 = false, rate }: H2Load,
): Promise<Measured> {
  const log = temporaryPath("h2load.log");
  rmSync(log, { force: true });
  const report = await run("h2load", [
    ...["-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, "-d", body.path],
    ...Object.entries(body.headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    ...(http1 ? ["--h1"] : []),
    ...(rate === undefined ? [] : [`--rps=${Math.max(1, Math.round(rate / connections))}`]),
    ...[`--log-file=${log}`, url],
  ]);
  const lines = readFileSync(log, "utf8").trimEnd().split("\n").map((line) => line.split("\t"));
  const times = lines.filter(([, status]) => status === "200").map(([, , time]) => Number(time));
  if (times.length === 0 || times.length < lines.length) throw new Error(`${url}:\n${report}`);
  return { rate: times.length / seconds, ...percentiles(times, 1000) };
}

/** What a stream load asks for. */
export interface StreamLoad {
  readonly port: number;
  readonly seconds: number;
  /** Requests in flight on the one stream. */
  readonly inFlight: number;
  /** The responses to each request. */
  readonly responses: number;
}

/** Requests on one ModelStreamInfer. */
export async function streamLoad(load: StreamLoad): Promise<Measured> {
  const script = join(dirname(fileURLToPath(import.meta.url)), "stream_client.ts");
  const [program, ...args] = [...runtimeCommand("bun"), "run", script, JSON.stringify(load)];
  const report = await run(program, args);
  const found = /^MEASURED (.*)$/m.exec(report);
  if (found === null) throw new Error(`The stream client failed:\n${report}`);
  return JSON.parse(found[1]);
}

/** Triton's own Python client, which compares each answer with what it sent. */
export async function pythonLoad(
  protocol: "http" | "grpc",
  port: number,
  seconds: number,
): Promise<Measured> {
  const { python } = await ensureClientVenv({ progress: console.error });
  const script = join(dirname(fileURLToPath(import.meta.url)), "python_client.py");
  const report = await run(python, [script, protocol, String(port), String(seconds)]);
  const found = /^MEASURED (.*)$/m.exec(report);
  if (found === null) throw new Error(`The Python client failed:\n${report}`);
  const { times } = JSON.parse(found[1]);
  return { rate: times.length / seconds, ...percentiles(times, 1e-3) };
}

/** Percentiles of times, of which `perMillisecond` make a millisecond. */
export function percentiles(
  times: readonly number[],
  perMillisecond: number,
): { p50: number; p99: number } {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5) / perMillisecond, p99: at(0.99) / perMillisecond };
}

/** Runs a program on the loads' core; what it wrote. */
function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("taskset", ["-c", LOAD_CORE, program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (part) => output += part);
    child.stderr.on("data", (part) => output += part);
    child.on("error", reject);
    child.on(
      "close",
      (code) => code === 0 ? resolve(output) : reject(new Error(`${program} failed:\n${output}`)),
    );
  });
}
