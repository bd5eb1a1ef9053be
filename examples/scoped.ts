// A server and a front end that live as long as the block that made them: `await using` stops both at
// its end, also when something throws.
//
//     deno run -A examples/scoped.ts
//     bun run examples/scoped.ts
import { KServeHttp, Server } from "@triton-ts/frontend";

async function ask(path: string): Promise<string> {
  await using server = await Server.start({ modelRepository: "examples/models" });
  await using http = await KServeHttp.start(server, { port: 0 });
  const response = await fetch(`http://localhost:${http.port}${path}`);
  return await response.text();
}

console.log(await ask("/v2/models/add_sub"));
console.log("and nothing runs any more");
