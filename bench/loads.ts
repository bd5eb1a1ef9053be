/**
 * The loads of the benchmark: what is sent, by which program, and how its report is read.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelInferRequestSchema } from "../proto/gen/grpc_service_pb.ts";
import { type BenchServer, LOAD_CORE } from "./servers.ts";

/** One case of the benchmark. */
export interface Load {
  readonly name: string;
  /** Puts the load on a server for some seconds; the requests that were answered well each second. */
  run(server: BenchServer, seconds: number): Promise<number>;
}

const CONNECTIONS = 16;
const folder = mkdtempSync(join(tmpdir(), "triton-ts-loads-"));

/** All cases. */
export function loads(): Load[] {
  const few = Float32Array.from({ length: 16 }, (_, i) => i + 0.5);
  const many = Float32Array.from({ length: 4096 }, (_, i) => i + 0.5);
  return [
    httpGet("HTTP health", "/v2/health/live"),
    httpPost("HTTP JSON 16 floats", jsonBody(few), {}),
    httpPost("HTTP JSON 4096 floats", jsonBody(many), {}),
    httpBinary("HTTP binary 16 floats", few),
    httpBinary("HTTP binary 64 KiB", new Float32Array(16384)),
    grpc("gRPC unary 16 floats", few),
    grpc("gRPC unary 64 KiB", new Float32Array(16384)),
  ];
}

function httpGet(name: string, path: string): Load {
  return { name, run: (server, seconds) => wrk(server, path, seconds, []) };
}

function jsonBody(values: Float32Array): Uint8Array {
  const inputs = [{
    name: "INPUT0",
    datatype: "FP32",
    shape: [values.length],
    data: Array.from(values),
  }];
  return new TextEncoder().encode(JSON.stringify({ inputs }));
}

function httpBinary(name: string, values: Float32Array): Load {
  const header = new TextEncoder().encode(JSON.stringify({
    parameters: { binary_data_output: true },
    inputs: [{
      name: "INPUT0",
      datatype: "FP32",
      shape: [values.length],
      parameters: { binary_data_size: values.byteLength },
    }],
  }));
  const body = new Uint8Array(header.length + values.byteLength);
  body.set(header);
  body.set(new Uint8Array(values.buffer), header.length);
  return httpPost(name, body, { "Inference-Header-Content-Length": String(header.length) });
}

function httpPost(name: string, body: Uint8Array, headers: Record<string, string>): Load {
  const bodyFile = join(folder, `${name.replaceAll(" ", "-")}.body`);
  const script = join(folder, `${name.replaceAll(" ", "-")}.lua`);
  writeFileSync(bodyFile, body);
  const lines = Object.entries(headers).map(([key, value]) => `wrk.headers["${key}"] = "${value}"`);
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = io.open("${bodyFile}", "rb"):read("*a")\n${
      lines.join("\n")
    }\n`,
  );
  return {
    name,
    run: (server, seconds) => wrk(server, "/v2/models/echo/infer", seconds, ["-s", script]),
  };
}

async function wrk(
  server: BenchServer,
  path: string,
  seconds: number,
  extra: string[],
): Promise<number> {
  const url = `http://127.0.0.1:${server.httpPort}${path}`;
  const report = await run("wrk", [
    ...["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, ...extra, url],
  ]);
  if (/Non-2xx/.test(report)) throw new Error(`${server.name} refused ${path}:\n${report}`);
  return Number(report.match(/Requests\/sec:\s*([\d.]+)/)?.[1]);
}

function grpc(name: string, values: Float32Array): Load {
  const message = toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: "echo",
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [BigInt(values.length)] }],
      rawInputContents: [new Uint8Array(values.buffer)],
    }),
  );
  const framed = new Uint8Array(5 + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, 5);
  const file = join(folder, `${name.replaceAll(" ", "-")}.grpc`);
  writeFileSync(file, framed);
  return {
    name,
    run: async (server, seconds) => {
      const report = await run("h2load", [
        ...["-t1", "-c4", "-m4", `-D${seconds}`, "-d", file],
        ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
        `http://127.0.0.1:${server.grpcPort}/inference.GRPCInferenceService/ModelInfer`,
      ]);
      const done = Number(report.match(/(\d+) succeeded/)?.[1]);
      if (!(done > 0)) throw new Error(`${server.name} answered no ${name}:\n${report}`);
      return done / seconds;
    },
  };
}

function run(program: string, args: string[]): Promise<string> {
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
