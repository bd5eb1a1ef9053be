/**
 * The requests that the loads send; those of load programs as files.
 *
 * @module
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelInferRequestSchema } from "../proto/gen/grpc_service_pb.ts";

/** A body in a file, and the headers that go with it. */
export interface BodyFile {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const folder = mkdtempSync(join(tmpdir(), "triton-ts-bench-"));

/** A path in the folder of this run. */
export function temporaryPath(name: string): string {
  return join(folder, name);
}

/** So many floats with fractions, as JSON has to spell them. */
export function floats(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (i % 1000) + 0.5);
}

/** An inference whose tensor is JSON. */
export function jsonBody(values: Float32Array): BodyFile {
  const input = { name: "INPUT0", datatype: "FP32", shape: [values.length] };
  return file(jsonBytes({ inputs: [{ ...input, data: Array.from(values) }] }), {});
}

/** An inference whose tensor follows the JSON as bytes, and comes back so. */
export function binaryBody(values: Float32Array): BodyFile {
  const { body, headers } = binaryInference(values);
  return file(body, headers);
}

/** The same, not in a file, and with parameters for the model. */
export function binaryInference(
  values: Float32Array,
  parameters: Readonly<Record<string, number>> = {},
): { body: Uint8Array; headers: Record<string, string> } {
  const header = jsonBytes({
    parameters: { ...parameters, binary_data_output: true },
    inputs: [{
      name: "INPUT0",
      datatype: "FP32",
      shape: [values.length],
      parameters: { binary_data_size: values.byteLength },
    }],
  });
  const body = joined(header, new Uint8Array(values.buffer));
  return { body, headers: { "Inference-Header-Content-Length": String(header.length) } };
}

/** A generation of so many responses. */
export function generateBody(responses: number): BodyFile {
  return file(jsonBytes({ INPUT0: [1.5], responses }), {});
}

/** A ModelInferRequest, without any framing. */
export function inferMessage(
  model: string,
  values: Float32Array,
  parameters: Readonly<Record<string, number>> = {},
): Uint8Array {
  const entries = Object.entries(parameters).map(([name, value]) => [
    name,
    { parameterChoice: { case: "int64Param" as const, value: BigInt(value) } },
  ]);
  return toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: model,
      parameters: Object.fromEntries(entries),
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [BigInt(values.length)] }],
      rawInputContents: [new Uint8Array(values.buffer)],
    }),
  );
}

/** The same as one message of a gRPC call. */
export function grpcBody(values: Float32Array): BodyFile {
  return file(framed(inferMessage("echo", values)), {
    "content-type": "application/grpc",
    "te": "trailers",
  });
}

/** A message behind its length, as gRPC sends it. */
export function framed(message: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(5);
  new DataView(prefix.buffer).setUint32(1, message.length);
  return joined(prefix, message);
}

/** A value as JSON. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** One array of both. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

let files = 0;

function file(body: Uint8Array, headers: Readonly<Record<string, string>>): BodyFile {
  const path = temporaryPath(`body${files++}`);
  writeFileSync(path, body);
  return { path, headers };
}
