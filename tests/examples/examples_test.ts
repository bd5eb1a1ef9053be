/**
 * The examples as processes of the runtime that runs this test. Needs a Triton that is set up.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DEMO_MODEL, writeDemoModel } from "../../src/cli/demo_model.ts";
import { runScript } from "../support/run_script.ts";

const EXAMPLES = join(import.meta.dirname!, "../../examples");

const folder = mkdtempSync(join(tmpdir(), "triton-ts-examples-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What each example writes, line by line. */
const OUTPUTS: Record<string, (string | RegExp)[]> = {
  "services.ts": [
    /^HTTP on port [1-9]\d+, gRPC on [1-9]\d+, metrics on [1-9]\d+$/,
    "add_sub: READY",
    "count: READY",
    "identity: READY",
    "ready: 200",
    "stopped",
  ],
  "scoped.ts": [/^\{"name":"add_sub","versions":\["1"\]/, "and nothing runs any more"],
  "restricted.ts": [
    `HTTP without the header: 403 {"error":"This API is restricted, expecting header 'admin-key'"}`,
    /^HTTP with it: 200 \[\{"name":"add_sub","version":"1","state":"READY"\},/,
    "gRPC without the metadata: [unavailable] This protocol is restricted, expecting header " +
    "'triton-grpc-protocol-admin-key'",
    "gRPC with it: add_sub, count, identity",
  ],
  "in_process.ts": [
    `[ "A", "B" ] -> [ "SUM", "DIFFERENCE" ]`,
    "SUM [ 1.5, 2.5, 3.5 ]",
    "DIFFERENCE [ 0.5, 1.5, 2.5 ]",
    `OUTPUT0 [ "Roger", "Roger" ]`,
    /^INVALID_ARG: .*expected 2 inputs but got 1 inputs for model 'add_sub'/,
  ],
  "stream.ts": ["1", "2", "3", "4", "5", "enough"],
  "own_app.ts": [
    "/ 200 An app with models",
    /^\/triton\/v2\/models\/identity 200 \{"name":"identity",/,
    `/triton/v2/models/none 404 {"error":"Request for unknown model: 'none' is not found"}`,
    /^# HELP nv_inference_request_success /,
  ],
};

test("every example is tested", () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));
  assert.deepEqual(names.sort(), Object.keys(OUTPUTS).sort());
});

for (const [name, expected] of Object.entries(OUTPUTS)) {
  test(`${name} writes what it should and ends with 0`, async () => {
    const { code, stdout, stderr } = await runScript(join(EXAMPLES, name), ["--once"], folder);
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, expected.length, stdout);
    for (const [index, line] of expected.entries()) {
      if (typeof line === "string") assert.equal(lines[index], line);
      else assert.match(lines[index], line);
    }
  });

  test(`${name} begins with the commands that run it`, () => {
    const text = readFileSync(join(EXAMPLES, name), "utf8");
    assert.match(text, /^\/\/ /);
    for (const command of ["deno run -A", "bun run"]) {
      assert.ok(text.includes(`//     ${command} examples/${name}`), command);
    }
  });
}

test("the model that demo carries is the example's", () => {
  writeDemoModel(folder);
  for (const path of ["config.pbtxt", "1/model.py"]) {
    assert.equal(
      readFileSync(join(folder, DEMO_MODEL, path), "utf8"),
      readFileSync(join(EXAMPLES, "models", DEMO_MODEL, path), "utf8"),
    );
  }
});
