/**
 * `demo`: serves a small model, sends it a request over HTTP and shows the answer.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEMO_MODEL, writeDemoModel } from "./demo_model.ts";
import { splitFlags } from "./getopt.ts";
import { run } from "./serve.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";

const ONCE = { name: "once" };

const REQUEST = JSON.stringify({
  inputs: [
    { name: "A", datatype: "FP32", shape: [3], data: [1, 2, 3] },
    { name: "B", datatype: "FP32", shape: [3], data: [0.5, 0.5, 0.5] },
  ],
});

/** Runs `demo` with the arguments behind it. */
export async function demo(args: readonly string[]): Promise<number> {
  const once = [...splitFlags(args, [ONCE])].length > 0;
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-demo-"));
  try {
    writeDemoModel(folder);
    const options = parseServeOptions([
      `--model-repository=${folder}`,
      "--log-info=false",
      "--allow-gpu-metrics=false",
      ...(once ? ["--http-port=0", "--grpc-port=0", "--metrics-port=0"] : []),
    ]) as ServeOptions;
    return await run(options, async ({ http }) => {
      await showInference(`http://localhost:${http}`);
      if (!once) console.log("\nServing until Ctrl+C.");
      return !once;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function showInference(server: string): Promise<void> {
  const url = `${server}/v2/models/${DEMO_MODEL}/infer`;
  console.log(`curl ${url} -d '${REQUEST}'\n`);
  const response = await fetch(url, { method: "POST", body: REQUEST });
  console.log(await response.text());
}
