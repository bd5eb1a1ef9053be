/**
 * The command line of `@triton-ts/frontend`: `serve`, a drop-in for NVIDIA's `tritonserver`, `setup` and
 * `demo`. docs/cli.md says what they do.
 *
 * ```sh
 * deno run -A jsr:@triton-ts/frontend/cli serve --model-repository=models
 * ```
 *
 * @module
 */
import process from "node:process";
import { main } from "./src/cli/main.ts";

if (import.meta.main) process.exit(await main(process.argv.slice(2)));

export { main };
