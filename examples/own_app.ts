// Triton's endpoints in a Hono app of your own, beside other routes and behind its middleware. Serve it
// as any Hono app: `Deno.serve(app.fetch)`, or `export default app` on Bun.
//
//     deno run -A examples/own_app.ts
//     bun run examples/own_app.ts
import { KServeHttp, Metrics, Server } from "@triton-ts/frontend";
import { Hono } from "hono";

await using server = await Server.start({ modelRepository: "examples/models" });

const app = new Hono();
app.get("/", (context) => context.text("An app with models"));
app.mount("/triton", new KServeHttp(server).app.fetch);
app.mount("/monitoring", new Metrics(server).app.fetch);

for (const path of ["/", "/triton/v2/models/identity", "/triton/v2/models/none"]) {
  const response = await app.request(path);
  console.log(path, response.status, await response.text());
}
const metrics = await (await app.request("/monitoring/metrics")).text();
console.log(metrics.split("\n")[0]);
