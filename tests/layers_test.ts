/**
 * Imports point one way: see docs/architecture.md. Needs no Triton.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importsOf, layerFaults } from "./support/layers.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

function sources(folder = ""): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^\.|^node_modules$/.test(entry.name) ? [] : sources(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

test("no file of this project breaks the order of its rooms", () => {
  const paths = sources();
  assert.ok(paths.length > 150, `only ${paths.length} files`);
  const faults = paths.flatMap((path) => layerFaults(path, readFileSync(join(ROOT, path), "utf8")));
  assert.deepEqual(faults, []);
});

test("importsOf() finds every form of import, and none in comments or texts", () => {
  const source = `
    // import "./no1.ts";
    /** import { a } from "./no2.ts"; */
    import "./a.ts";
    import type { B } from "./b.ts";
    import {
      c,
      type C, // from "./no3.ts"
    } from "./c.ts";
    import d from "./d.json" with { type: "json" };
    export { e } from "./e.ts";
    export * from "./f.ts";
    const g = await import("./g.ts"), text = 'import "./no4.ts"', more = \`from "./no5.ts"\`;
    let h: import("./h.ts").H;
  `;
  const names = ["a.ts", "b.ts", "c.ts", "d.json", "e.ts", "f.ts", "g.ts", "h.ts"];
  assert.deepEqual(importsOf(source), names.map((name) => `./${name}`));
});

const FAULTS: readonly (readonly [path: string, source: string, fault: string])[] = [
  ["ffi/native.ts", 'import "../src/errors.ts";', "ffi must not import values"],
  ["src/http/app.ts", 'import "../../ffi/native.ts";', "http must not import ffi"],
  ["src/grpc/rpc.ts", 'import "../server/server.ts";', "grpc must not import server"],
  ["src/metrics/metrics.ts", 'import "../http/app.ts";', "metrics must not import http"],
  ["src/kserve/inputs.ts", 'import("../../ffi/native.ts");', "kserve must not import ffi"],
  ["src/kserve/inputs.ts", 'import "node:http2";', "imports node:http2"],
  ["src/server/model.ts", 'import "../kserve/inputs.ts";', "server must not import kserve"],
  ["src/engine.ts", 'export * from "./server/server.ts";', "engine must not import server"],
  ["src/tensor.ts", 'import "hono";', "imports the package hono"],
  ["examples/stream.ts", 'import "../src/tensor.ts";', "examples must not import values"],
  ["src/http/app.ts", "const server = Bun.serve({});", "names the global Bun"],
  ["src/cli/main.ts", 'if ("Deno" in globalThis) run();', "names the global Deno"],
  [
    "mod.ts",
    'export const a = 1;\nexport { b } from "./src/tensor.ts";',
    "more than named exports",
  ],
  ["mod.ts", 'export * from "./src/tensor.ts";', "more than named exports"],
  ["src/new_room/file.ts", "", "is in no room"],
];

for (const [path, source, fault] of FAULTS) {
  test(`layerFaults() says that ${path} ${fault}`, () => {
    const faults = layerFaults(path, source);
    assert.equal(faults.length, 1, faults.join("\n"));
    assert.ok(faults[0].includes(fault), faults[0]);
  });
}

test("layerFaults() lets be what is in order", () => {
  for (
    const [path, source] of [
      ["ffi/backend.ts", 'if ("Bun" in globalThis) Deno.dlopen();'],
      ["src/runtime/listen.ts", 'import "../errors.ts"; Deno.serve({});'],
      ["src/http/app.ts", 'import { Hono } from "hono"; import "../kserve/inputs.ts"; // Bun'],
      ["src/server/server.ts", 'import "../../ffi/library.ts"; const where = "on Deno";'],
      ["mod.ts", '/** Deno */ export { a, type B } from "./src/tensor.ts";'],
    ]
  ) assert.deepEqual(layerFaults(path, source), []);
});
