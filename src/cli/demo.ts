/**
 * `demo`: serves a model, sends it one request through each front end, and shows the answers.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateTriton } from "../server/locate.ts";
import { findSetUpTriton } from "../setup/installation.ts";
import { assertPortIsFree } from "./demo_ports.ts";
import { inferByGrpc, inferByHttp, readMetrics } from "./demo_requests.ts";
import { pictureSubject, smallSubject, type Subject } from "./demo_subject.ts";
import { CommandError, errorText } from "./errors.ts";
import { type FlagUse, splitFlags } from "./getopt.ts";
import { run } from "./serve.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";
import type { ServicePorts } from "./services.ts";
import { fetchTriton } from "./setup.ts";

const ONCE = { name: "once" };
const PORTS = [
  { name: "http-port", value: "port", service: "http", title: "HTTP", standard: 8000 },
  { name: "grpc-port", value: "port", service: "grpc", title: "gRPC", standard: 8001 },
  { name: "metrics-port", value: "port", service: "metrics", title: "metrics", standard: 8002 },
] as const;

/** Runs `demo` with the arguments behind it. */
export async function demo(args: readonly string[]): Promise<number> {
  const uses = [...splitFlags(args, [ONCE, ...PORTS])];
  const once = uses.some(({ flag }) => flag === ONCE);
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-demo-"));
  const logFile = join(folder, "triton.log");
  try {
    // Packages can only be added to the Triton that set-up made.
    const other = otherTriton();
    const subject = (other === undefined ? pictureSubject() : undefined) ?? smallSubject(folder);
    const options = serveOptions(uses, subject, once, logFile);
    await assertPortsAreFree(options); // before the set-up, which can take a minute
    const library = other ?? (await fetchTriton(subject.packages)).library;
    console.log(`Triton   ${library}\n${subject.intro.join("\n")}\n`);
    const code = await run(options, async (ports) => {
      await show(subject, ports);
      if (!once) console.log(`${toTry(subject, ports)}\n\nServing until Ctrl+C.`);
      return !once;
    });
    if (code !== 0) console.error(readLog(logFile));
    return code;
  } catch (reason) {
    if (!(reason instanceof CommandError)) throw reason;
    throw new CommandError(`${reason.message}\n${readLog(logFile)}`.trim(), { cause: reason });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The library of a Triton that is here, but not by set-up. */
function otherTriton(): string | undefined {
  try {
    const library = locateTriton({})?.library;
    return library === findSetUpTriton()?.library ? undefined : library;
  } catch (reason) {
    throw new CommandError(errorText(reason), { cause: reason });
  }
}

function serveOptions(
  uses: readonly FlagUse<{ name: string }>[],
  { repository }: Subject,
  once: boolean,
  logFile: string,
): ServeOptions {
  const flags = [
    `--model-repository=${repository}`,
    // Without a GPU Triton complains about that at every start; what matters is shown from the file.
    `--log-file=${logFile}`,
    "--log-info=false",
    "--allow-gpu-metrics=false",
    ...PORTS.map(({ name, standard }) => `--${name}=${once ? 0 : standard}`),
    ...uses.filter(({ flag }) => flag !== ONCE).map(({ flag, value }) => `--${flag.name}=${value}`),
  ];
  return parseServeOptions(flags) as ServeOptions;
}

async function assertPortsAreFree(options: ServeOptions): Promise<void> {
  for (const { name, service, title } of PORTS) {
    await assertPortIsFree(options[service]?.port ?? 0, title, `demo --${name}`);
  }
}

function readLog(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has not come that far
  }
}

async function show(subject: Subject, { http, grpc, metrics }: ServicePorts): Promise<void> {
  const { model } = subject;
  const url = `http://localhost:${http}/v2/models/${model}/infer`;
  console.log(`HTTP     POST ${url}`);
  console.log(`${indent(subject.answer(await inferByHttp(url, subject)))}\n`);

  console.log(`gRPC     inference.GRPCInferenceService/ModelInfer at localhost:${grpc}`);
  console.log(
    `${indent(subject.answer(await inferByGrpc(`http://localhost:${grpc}`, subject)))}\n`,
  );

  console.log(`metrics  GET http://localhost:${metrics}/metrics`);
  const lines = await readMetrics(`http://localhost:${metrics}/metrics`);
  const told = lines.filter((line) => line.includes(`{model="${model}"`) && !line.endsWith(" 0"));
  console.log(indent(told));
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `         ${line}`).join("\n");
}

function toTry({ model, toTry }: Subject, { http, grpc, metrics }: ServicePorts): string {
  return `
To try in another terminal:

curl localhost:${http}/v2/models/${model}
${toTry(`localhost:${http}`)}
grpcurl -plaintext -d '{"name":"${model}"}' localhost:${grpc} \\
  inference.GRPCInferenceService/ModelMetadata
python3 -c 'import tritonclient.http as t; print(t.InferenceServerClient("localhost:${http}").get_server_metadata())'
curl localhost:${metrics}/metrics`;
}
