/**
 * The requests of `demo`, as clients make them: an inference by HTTP, one by gRPC, and the metrics.
 *
 * @module
 */
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { GRPCInferenceService } from "../../proto/gen/grpc_service_pb.ts";
import type { DataType } from "../datatype.ts";
import { Tensor } from "../tensor.ts";
import { CommandError } from "./errors.ts";
import type { Outputs, Subject } from "./demo_subject.ts";

type Request = Pick<Subject, "model" | "inputs">;

/** Sends the inputs as binary data behind a JSON header, and takes the outputs as JSON. */
export async function inferByHttp(url: string, { inputs }: Request): Promise<Outputs> {
  const header = new TextEncoder().encode(JSON.stringify({
    inputs: Object.entries(inputs).map(([name, { datatype, shape, byteSize }]) => ({
      name,
      datatype,
      shape,
      parameters: { binary_data_size: byteSize },
    })),
  }));
  const tensors = Object.values(inputs).map(({ bytes }) => bytes as Uint8Array<ArrayBuffer>);
  const response = await fetch(url, {
    method: "POST",
    headers: { "Inference-Header-Content-Length": String(header.byteLength) },
    body: new Blob([header, ...tensors]),
  });
  const text = await response.text();
  if (!response.ok) throw new CommandError(`${url} answers ${response.status}: ${text}`);
  const { outputs } = JSON.parse(text) as { outputs: { name: string; data: unknown[] }[] };
  return Object.fromEntries(outputs.map(({ name, data }) => [name, data]));
}

/** Sends the inputs, and takes the outputs, as raw contents. */
export async function inferByGrpc(baseUrl: string, { model, inputs }: Request): Promise<Outputs> {
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  try {
    const { outputs, rawOutputContents } = await createClient(GRPCInferenceService, transport)
      .modelInfer({
        modelName: model,
        inputs: Object.entries(inputs).map(([name, { datatype, shape }]) => ({
          name,
          datatype,
          shape: shape.map(BigInt),
        })),
        rawInputContents: Object.values(inputs).map(({ bytes }) => bytes),
      });
    return Object.fromEntries(outputs.map(({ name, datatype, shape }, index) => [
      name,
      new Tensor(datatype as DataType, shape.map(Number), rawOutputContents[index]).toArray(),
    ]));
  } finally {
    sessionManager.abort(); // else its connection holds up the end of the server
  }
}

/** The lines of the metrics. */
export async function readMetrics(url: string): Promise<string[]> {
  return (await (await fetch(url)).text()).split("\n");
}
