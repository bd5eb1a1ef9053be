/** Triton's own Python gRPC clients (`tritonclient.grpc` and its asyncio form) against KServeGrpc. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeGrpc } from "../../mod.ts";
import { freePort } from "../support/free_port.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { type FrontEnds, startFrontEnds } from "./front_ends.ts";
import { PythonClient } from "./python.ts";

let frontEnds: FrontEnds;
let python: PythonClient;

before(async () => {
  frontEnds = await startFrontEnds();
  python = await PythonClient.start("grpc_scenarios.py");
});

const SCENARIOS = {
  health: "server and models are ready, others are not",
  bytes_identity: "BYTES come back",
  datatypes: "every data type comes back",
  bfloat16: "BF16 comes back",
  large_tensor: "a tensor of 32 MiB comes back",
  chosen_outputs: "version, id and wanted outputs are heeded",
  classification: "classes come with their values",
  request_fields: "id, sequence, time-out and parameters reach the model",
  sequence: "sequences by number, by text and on a stream keep their state",
  stream_order: "100 streamed requests are answered in order",
  decoupled_stream: "a stream carries any number of responses to a request",
  stream_errors: "a stream goes on after errors",
  metadata: "server, model and configuration tell what they are",
  statistics: "statistics count inferences, of one model and of all",
  repository: "models load, load with another configuration, and unload",
  settings: "log and trace settings change, shared memory is empty",
  shared_memory: "tensors lie in the client's shared memory",
  async_infer: "100 inferences with callbacks at once",
  asyncio_client: "the asyncio client runs 50 inferences at once, and a stream",
  compression: "messages are compressed as the client says, on streams too",
  errors: "errors have Triton's status and text",
  restricted: "restricted features want their header",
  client_timeout: "a client whose deadline passes cancels the model",
  async_cancel: "a cancelled call cancels the model",
  stream_cancel: "a cancelled stream cancels the model",
  inference_metric: "nv_inference_count goes from 0 to 1",
};

for (const [name, title] of Object.entries(SCENARIOS)) {
  test(`gRPC client: ${title}`, () => python.run(name, frontEnds.ports));
}

test("gRPC client: a chosen port is used", async () => {
  const { server, ports } = frontEnds;
  const port = await freePort();
  await using grpc = await KServeGrpc.start(server, { address: "127.0.0.1", port });
  assert.equal(grpc.address, `127.0.0.1:${port}`);
  await python.run("health", { ...ports, grpc: port });
});

test("gRPC client: every scenario is tested, nothing is left, and the server stops", async () => {
  assert.deepEqual(Object.keys(SCENARIOS), python.scenarios);
  assert.equal(await python.stop(), 0);
  await assertNothingAlive(frontEnds.server);
  await frontEnds.server.stop();
});
