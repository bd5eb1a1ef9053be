/**
 * Triton's own Python clients (`tritonclient.grpc` and its asyncio form) against this front end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { KServeGrpc } from "../../src/grpc/kserve_grpc.ts";
import { ensureClientVenv } from "../support/client_venv.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { assertNothingAlive, startEcho } from "../support/real_server.ts";

const script = fileURLToPath(new URL("python_client.py", import.meta.url).href);

/** Runs the script and resolves to its exit status. */
function run(python: string, port: number): Promise<number | null> {
  const child = spawn(python, [script, String(port)], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

it("KServeGrpc serves Triton's Python clients", { timeout: 300_000 }, async () => {
  const { python } = await ensureClientVenv({ progress: console.error });
  await using server = await startEcho();
  {
    await using frontend = await KServeGrpc.start(server, {
      address: "127.0.0.1",
      port: 0,
      transport: TRANSPORT,
    });
    assert.equal(await run(python, frontend.port), 0);
  }
  await assertNothingAlive(server);
});
