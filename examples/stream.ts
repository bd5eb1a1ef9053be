// A decoupled model, which answers one request with many responses: each is there as soon as the model
// has sent it, and leaving the loop cancels the rest.
//
//     deno run -A examples/stream.ts
//     bun run examples/stream.ts
import { Server } from "@triton-ts/frontend";

await using server = await Server.start({ modelRepository: "examples/models" });

const responses = server.model("count").infer({ inputs: { N: new Int32Array([1000]) } });
for await (const response of responses) {
  const [number] = response.output("NUMBER").toArray();
  console.log(number);
  if (number === 5) break;
}
console.log("enough");
