/**
 * Small clients of the echo model for tests that need many requests, or clients that die: one value in,
 * the same value out, after a delay if asked for.
 *
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { type Server, TritonError } from "../../mod.ts";
import type { RawGrpcClient } from "./grpc_raw.ts";

/** How an echo request ended: with its value, or with the status and text of an error. */
export type Echo = number | { readonly status: number | string; readonly message: string };

/** An echo in this process; the status of a failure is Triton's code by name. */
export async function echoInProcess(server: Server, value: number, delayUs = 0): Promise<Echo> {
  try {
    const inputs = { INPUT0: new Float32Array([value]) };
    const response = await server.model("echo").infer({
      inputs,
      parameters: { delay_us: delayUs },
    });
    return Number(response.output("OUTPUT0").toArray()[0]);
  } catch (error) {
    if (error instanceof TritonError) return { status: error.code, message: error.message };
    throw error;
  }
}

/** An echo over HTTP to `port` of this machine. Rejects when the connection breaks. */
export async function echoOverHttp(port: number, value: number, delayUs = 0): Promise<Echo> {
  const response = await fetch(`http://127.0.0.1:${port}/v2/models/echo/infer`, {
    method: "POST",
    body: httpEchoBody(value, delayUs),
  });
  const text = await response.text();
  if (response.status !== 200) return { status: response.status, message: text };
  return JSON.parse(text).outputs[0].data[0];
}

/** The body of an HTTP echo. */
export function httpEchoBody(value: number, delayUs = 0): string {
  return JSON.stringify({
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1], data: [value] }],
    parameters: { delay_us: delayUs },
  });
}

/** An echo over gRPC; the status of a failure is gRPC's, -1 when the connection broke. */
export async function echoOverGrpc(
  client: RawGrpcClient,
  value: number,
  delayUs = 0,
): Promise<Echo> {
  const { code, message, messages } = await client.call({
    path: "/inference.GRPCInferenceService/ModelInfer",
    messages: [grpcEchoMessage(value, delayUs)],
  });
  if (code !== 0) return { status: code, message };
  const { rawOutputContents: [bytes] } = fromBinary(ModelInferResponseSchema, messages[0]);
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

/** The message of a gRPC echo to `model`. */
export function grpcEchoMessage(value: number, delayUs = 0, model = "echo"): Uint8Array {
  const request = create(ModelInferRequestSchema, {
    modelName: model,
    inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1n] }],
    rawInputContents: [new Uint8Array(new Float32Array([value]).buffer)],
    parameters: {
      delay_us: { parameterChoice: { case: "int64Param", value: BigInt(delayUs) } },
    },
  });
  return toBinary(ModelInferRequestSchema, request);
}
