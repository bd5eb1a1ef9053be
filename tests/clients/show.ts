/**
 * Runs Triton's own Python HTTP client against KServeHttp and prints a line for each scenario:
 *
 *     deno run -A tests/clients/show.ts
 *     bun tests/clients/show.ts
 *
 * @module
 */
import process from "node:process";
import { startFrontEnds } from "./front_ends.ts";
import { HTTP_SCENARIOS } from "./http_scenarios.ts";
import { PythonClient } from "./python.ts";

const { server, ports } = await startFrontEnds();
const python = await PythonClient.start("http_scenarios.py");
let failed = 0;
for (const [name, title] of Object.entries(HTTP_SCENARIOS)) {
  const started = Date.now();
  try {
    await python.run(name, ports);
    console.log(`ok    ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${title}\n${(error as Error).message}`);
  }
}
await python.stop();
const alive = server.liveCounters();
await server.stop();
const runtime = process.versions.bun === undefined
  ? `Deno ${process.versions.deno}`
  : `Bun ${process.versions.bun}`;
console.log(
  `tritonclient.http against ${runtime}: ${Object.keys(HTTP_SCENARIOS).length - failed} passed, ` +
    `${failed} failed; left alive: ${JSON.stringify(alive)}`,
);
process.exitCode = failed === 0 ? 0 : 1;
