/** Triton's own Python gRPC clients (`tritonclient.grpc` and its asyncio form) against KServeGrpc. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeGrpc } from "../../mod.ts";
import { freePort } from "../support/free_port.ts";
import { skippedOnNode } from "../support/grpc_transport.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { type FrontEnds, startFrontEnds } from "./front_ends.ts";
import { type SecureFrontEnds, startSecureFrontEnds } from "./grpc_front_ends.ts";
import { GRPC_SCENARIOS } from "./grpc_scenarios.ts";
import { PythonClient } from "./python.ts";

let frontEnds: FrontEnds;
let secure: SecureFrontEnds;
let python: PythonClient;

before(async () => {
  frontEnds = await startFrontEnds();
  secure = await startSecureFrontEnds(frontEnds.server);
  python = await PythonClient.start("grpc_scenarios.py");
});

for (const [name, title] of Object.entries(GRPC_SCENARIOS)) {
  const skip = name === "too_many_pings" && skippedOnNode("node:http2 does not limit pings");
  test(
    `gRPC client: ${title}`,
    { skip },
    () => python.run(name, { ...frontEnds.ports, ...secure.ports }),
  );
}

test("gRPC client: a chosen port is used", async () => {
  const { server, ports } = frontEnds;
  const port = await freePort();
  await using grpc = await KServeGrpc.start(server, { address: "127.0.0.1", port });
  assert.equal(grpc.address, `127.0.0.1:${port}`);
  await python.run("health", { ...ports, grpc: port });
});

test("gRPC client: every scenario is tested, nothing is left, and the server stops", async () => {
  assert.deepEqual(Object.keys(GRPC_SCENARIOS), python.scenarios);
  assert.equal(await python.stop(), 0);
  secure.forget();
  await assertNothingAlive(frontEnds.server);
  await frontEnds.server.stop();
});
