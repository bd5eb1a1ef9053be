// Inference in the same process, without any network.
//
//     deno run -A examples/in_process.ts
//     bun run examples/in_process.ts
import { Server, TritonError } from "@triton-ts/frontend";

await using server = await Server.start({ modelRepository: "examples/models" });

const addSub = server.model("add_sub");
const { inputs, outputs } = addSub.metadata();
console.log(inputs.map(({ name }) => name), "->", outputs.map(({ name }) => name));

const A = new Float32Array([1, 2, 3]);
const B = new Float32Array([0.5, 0.5, 0.5]);
const response = await addSub.infer({ inputs: { A, B } });
console.log("SUM", response.output("SUM").toArray());
console.log("DIFFERENCE", response.output("DIFFERENCE").toArray());

const texts = await server.model("identity").infer({ inputs: { INPUT0: ["Roger", "Roger"] } });
console.log("OUTPUT0", texts.output("OUTPUT0").strings());

try {
  await addSub.infer({ inputs: { A } });
} catch (error) {
  if (!(error instanceof TritonError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
