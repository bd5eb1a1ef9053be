// Serves the models of examples/models by HTTP, gRPC and metrics, until Ctrl+C. With --once on free
// ports, for one request.
//
//     deno run -A examples/services.ts [--once]
//     bun run examples/services.ts [--once]
import process from "node:process";
import { KServeGrpc, KServeHttp, Metrics, Server } from "@triton-ts/frontend";

const once = process.argv.includes("--once");

const server = await Server.start({ modelRepository: "examples/models" });
const http = await KServeHttp.start(server, { port: once ? 0 : 8000 });
const grpc = await KServeGrpc.start(server, { port: once ? 0 : 8001 });
const metrics = await Metrics.start(server, { port: once ? 0 : 8002 });
console.log(`HTTP on port ${http.port}, gRPC on ${grpc.port}, metrics on ${metrics.port}`);

for (const { name, state } of await server.models()) console.log(`${name}: ${state}`);

if (once) {
  const response = await fetch(`http://localhost:${http.port}/v2/health/ready`);
  console.log(`ready: ${response.status}`);
} else {
  await new Promise((resolve) => process.on("SIGINT", resolve));
}

await server.stop(); // stops the front ends first
console.log("stopped");
