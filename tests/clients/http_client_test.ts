/** Triton's own Python HTTP clients (`tritonclient.http` and its asyncio form) against KServeHttp. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeHttp, Metrics } from "../../mod.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { freePort } from "../support/free_port.ts";
import { type FrontEnds, startFrontEnds } from "./front_ends.ts";
import { PythonClient } from "./python.ts";

let frontEnds: FrontEnds;
let python: PythonClient;

before(async () => {
  frontEnds = await startFrontEnds();
  python = await PythonClient.start("http_scenarios.py");
});

const SCENARIOS = {
  health: "server and models are ready, unknown ones are not",
  bytes_identity: "BYTES come back as binary data and as JSON",
  datatypes_binary: "every data type comes back as binary data",
  datatypes_json: "every data type that has a JSON form comes back as JSON",
  bfloat16: "BF16 comes back as binary data and is refused as JSON",
  large_tensor: "a tensor of 32 MiB comes back",
  chosen_outputs: "version, id and wanted outputs are heeded",
  classification: "classes come with their values",
  request_fields: "id, sequence, time-out and parameters reach the model",
  sequence: "sequences by number and by text keep their state",
  generate: "generate answers with one JSON object",
  generate_stream: "generate_stream sends the responses of a decoupled model as events",
  metadata: "server, model and configuration tell what they are",
  statistics: "statistics count inferences, of one model and of all",
  repository: "models load, load with another configuration, and unload",
  settings: "log and trace settings change, shared memory is empty",
  async_infer: "100 asynchronous inferences over 8 connections come back in order",
  asyncio_client: "the asyncio client runs 50 inferences at once",
  compression: "requests and responses are compressed as the client says",
  errors: "errors have Triton's status and text",
  restricted: "restricted features want their header",
  client_timeout: "a client that gives up cancels the model",
  inference_metric: "nv_inference_count goes from 0 to 1",
};

for (const [name, title] of Object.entries(SCENARIOS)) {
  test(`HTTP client: ${title}`, () => python.run(name, frontEnds.ports));
}

test("HTTP client: chosen ports are used", async () => {
  const { server, ports } = frontEnds;
  const chosen = { http: await freePort(), metrics: await freePort() };
  await using http = await KServeHttp.start(server, { address: "127.0.0.1", port: chosen.http });
  await using metrics = await Metrics.start(server, { port: chosen.metrics });
  assert.equal(http.address, `127.0.0.1:${chosen.http}`);
  assert.equal(metrics.address, `0.0.0.0:${chosen.metrics}`);
  await python.run("health", { ...ports, ...chosen });
  await python.run("client_timeout", { ...ports, ...chosen });
});

test("HTTP client: every scenario is tested, nothing is left, and the server stops", async () => {
  assert.deepEqual(Object.keys(SCENARIOS), python.scenarios);
  assert.equal(await python.stop(), 0);
  await assertNothingAlive(frontEnds.server);
  await frontEnds.server.stop();
});
