/**
 * Runs Triton's own Python clients, and clients in Go, against KServeHttp and KServeGrpc and prints a
 * line for each scenario:
 *
 *     deno run -A tests/clients/show.ts [http|grpc]
 *     bun tests/clients/show.ts [http|grpc]
 *
 * @module
 */
import process from "node:process";
import { whyNoGoTools } from "../support/go_tool.ts";
import { startFrontEnds } from "./front_ends.ts";
import { GO_SCENARIOS, GoClients } from "./go_clients.ts";
import { startSecureFrontEnds } from "./grpc_front_ends.ts";
import { GRPC_SCENARIOS } from "./grpc_scenarios.ts";
import { HTTP_SCENARIOS } from "./http_scenarios.ts";
import { type Ports, PythonClient } from "./python.ts";

const wanted = process.argv.slice(2);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);
const runtime = process.versions.bun === undefined
  ? `Deno ${process.versions.deno}`
  : `Bun ${process.versions.bun}`;

let passed = 0;
let failed = 0;

/** Shows one scenario. */
async function show(title: string, run: () => Promise<void>): Promise<void> {
  const started = Date.now();
  try {
    await run();
    passed++;
    console.log(`ok    ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${title}\n${(error as Error).message}`);
  }
}

/** Shows the scenarios of a script. */
async function showPython(
  script: string,
  scenarios: Readonly<Record<string, string>>,
  ports: Ports,
): Promise<void> {
  const python = await PythonClient.start(script);
  for (const [name, title] of Object.entries(scenarios)) {
    await show(title, () => python.run(name, ports));
  }
  await python.stop();
}

/** Shows the scenarios of the clients in Go, or why there are none. */
async function showGo(ports: Ports): Promise<void> {
  const missing = whyNoGoTools();
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return;
  }
  const go = await GoClients.build();
  for (const { title, run } of GO_SCENARIOS) await show(title, () => run(go, ports));
}

const { server, ports } = await startFrontEnds();
if (isWanted("http")) {
  console.log(`\ntritonclient.http against KServeHttp on ${runtime}`);
  await showPython("http_scenarios.py", HTTP_SCENARIOS, ports);
}
if (isWanted("grpc")) {
  const secure = await startSecureFrontEnds(server);
  const all = { ...ports, ...secure.ports };
  console.log(`\ntritonclient.grpc against KServeGrpc on ${runtime}`);
  await showPython("grpc_scenarios.py", GRPC_SCENARIOS, all);
  console.log(`\ngrpcurl and grpc-health-probe against KServeGrpc on ${runtime}`);
  await showGo(all);
  secure.forget();
}
const alive = server.liveCounters();
await server.stop();
console.log(`\n${passed} passed, ${failed} failed; left alive: ${JSON.stringify(alive)}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
