/**
 * The programs in README.md as processes of the runtime that runs this test. Needs a Triton that is set up.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { runScript, startScript } from "../support/run_script.ts";

const ROOT = join(import.meta.dirname!, "../..");

// Inside of the package, so that the program finds it by its name.
mkdirSync(join(ROOT, ".cache"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".cache", "readme-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const README = readFileSync(join(ROOT, "README.md"), "utf8");
const PROGRAMS = Array.from(README.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, program]) => program);
const [FIRST] = PROGRAMS;

test("the README's first program is the one in mod.ts", () => {
  const program = FIRST.trimEnd().split("\n");
  const comment = program.map((line) => ` * ${line}`.trimEnd()).join("\n");
  assert.ok(readFileSync(join(ROOT, "mod.ts"), "utf8").includes(comment));
});

test("the README's first program serves until Ctrl+C", async () => {
  // Free ports instead of the standard ones, which may be taken where tests run.
  const program = FIRST.replace(/\.start\(server\)/g, ".start(server, { port: 0 })");
  const script = join(folder, "main.ts");
  writeFileSync(script, program);
  cpSync(join(ROOT, "examples", "models"), join(folder, "models"), { recursive: true });

  const running = startScript(script, [], { folder, cwd: folder });
  const [, http, , metrics] = await running.says(
    /^HTTP 0\.0\.0\.0:(\d+), gRPC 0\.0\.0\.0:(\d+), metrics 0\.0\.0\.0:(\d+)$/m,
  );
  const ready = await fetch(`http://127.0.0.1:${http}/v2/health/ready`);
  assert.equal(ready.status, 200);
  assert.match(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(), /^# HELP nv_/);

  running.kill("SIGINT");
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
});

test("the README's program without network writes what it says", async () => {
  const program = PROGRAMS.find((program) => program.includes("infer("));
  assert.ok(program);
  const script = join(folder, "in_process.ts");
  writeFileSync(script, program);
  const { code, stdout, stderr } = await runScript(script, [], folder);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "[ 4, 6 ]\n[ 1 ]\n[ 2 ]\n[ 3 ]\n");
});
