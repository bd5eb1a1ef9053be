/**
 * Everything that must hold before a change is done, one line a step. Stops at the first step that fails,
 * with what it wrote.
 *
 *     deno task ok
 *     bun run ok
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runCommand, runtimeCommand } from "./command.ts";

/** The steps, as arguments of Deno; the quick ones first. */
const STEPS = [
  "fmt --check",
  "lint",
  "check .",
  "doc --lint mod.ts cli.ts",
  "test -A --quiet tests/layers_test.ts",
  "run -A proto/generate.ts --check",
  "run -A ffi/bridge/build.ts --check",
  "publish --dry-run --allow-dirty",
  "run -A tests/support/run.ts",
];
const STEP_LIMIT_MS = 60 * 60 * 1000;

const deno = runtimeCommand("deno");
const scratch = mkdtempSync(join(tmpdir(), "triton-ts-ok-"));
for (const step of STEPS) {
  const started = Date.now();
  const { code, output } = await runCommand([...deno, ...step.split(" ")], {
    log: join(scratch, "log"),
    limitMs: STEP_LIMIT_MS,
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} deno ${step} (${seconds} s)`);
  const counts = /^\d+ passed, \d+ failed$/m.exec(output);
  if (counts) console.log(`     ${counts[0]}`);
  if (code !== 0) {
    console.log(output);
    process.exitCode = 1;
    break;
  }
}
rmSync(scratch, { recursive: true, force: true });
