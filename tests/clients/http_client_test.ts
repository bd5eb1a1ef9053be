/** Triton's own Python HTTP clients (`tritonclient.http` and its asyncio form) against KServeHttp. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { KServeHttp, Metrics } from "../../mod.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { freePort } from "../support/free_port.ts";
import { type FrontEnds, startFrontEnds } from "./front_ends.ts";
import { HTTP_SCENARIOS } from "./http_scenarios.ts";
import { PythonClient } from "./python.ts";

let frontEnds: FrontEnds;
let python: PythonClient;

before(async () => {
  frontEnds = await startFrontEnds();
  python = await PythonClient.start("http_scenarios.py");
});

for (const [name, title] of Object.entries(HTTP_SCENARIOS)) {
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
  assert.deepEqual(Object.keys(HTTP_SCENARIOS), python.scenarios);
  assert.equal(await python.stop(), 0);
  await assertNothingAlive(frontEnds.server);
  await frontEnds.server.stop();
});
