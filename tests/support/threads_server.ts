/**
 * A program that serves the echo model with two threads, prints its HTTP port as a line `READY <port>`, and
 * keeps its main thread busy for two seconds when it is sent a line.
 *
 * @module
 */
import process from "node:process";
import { KServeHttp } from "../../mod.ts";
import { startEcho } from "./real_server.ts";

const BUSY_MS = 2000;

await using server = await startEcho();
await using http = await KServeHttp.start(server, { address: "127.0.0.1", port: 0, threads: 2 });
console.log(`READY ${http.port}`);
for await (const _ of process.stdin) {
  console.log("BUSY");
  for (const end = Date.now() + BUSY_MS; Date.now() < end;);
}
