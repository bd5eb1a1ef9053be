/** The two backends over mocks of their runtimes' modules: both can be tested on either runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBunBackend } from "../../ffi/backend_bun.ts";
import { createDenoBackend, type DenoFfi } from "../../ffi/backend_deno.ts";
import type { SymbolTable } from "../../ffi/symbols.ts";

const table = {
  f: { args: ["ptr", "cstr", "out", "buf", "usize", "bool"], returns: "ptr" },
  g: { args: [], returns: "void" },
} as const satisfies SymbolTable;

test("Bun: kinds are mapped, and a callback is thread-safe", () => {
  const seen: unknown[] = [];
  const backend = createBunBackend({
    dlopen: (path, symbols) => {
      seen.push(path, symbols);
      return { symbols: { f: 1, g: 2 } };
    },
    toArrayBuffer: (pointer, offset, length) => {
      seen.push([pointer, offset, length]);
      return new ArrayBuffer(length);
    },
    CString: class {
      toString = () => "text";
    },
    JSCallback: class {
      readonly ptr = 77;
      constructor(_: () => void, definition: unknown) {
        seen.push(definition);
      }
    },
  });
  assert.deepEqual(backend.open("lib.so", table) as unknown, { f: 1, g: 2 });
  assert.equal(backend.callback(() => {}), 77);
  assert.equal(backend.view(8, 3).length, 3);
  assert.equal(backend.view(8, 0).length, 0);
  assert.equal(backend.text(0), "");
  assert.equal(backend.text(8), "text");
  assert.deepEqual(seen, [
    "lib.so",
    {
      f: { args: ["ptr", "ptr", "ptr", "ptr", "u64", "bool"], returns: "ptr" },
      g: { args: [], returns: "void" },
    },
    { args: [], returns: "void", threadsafe: true },
    [8, 0, 3],
  ]);
});

test("Deno: kinds are mapped, and a callback does not keep the process alive", () => {
  const seen: unknown[] = [];
  const backend = createDenoBackend({
    dlopen: (path: unknown, symbols: unknown) => {
      seen.push(path, symbols);
      return { symbols: { f: 1, g: 2 } };
    },
    UnsafePointer: { create: (value: bigint) => ({ value }), value: () => 77n },
    UnsafePointerView: {
      getArrayBuffer: (pointer: unknown, length: number) => {
        seen.push([pointer, length]);
        return new ArrayBuffer(length);
      },
      getCString: () => "text",
    },
    UnsafeCallback: {
      threadSafe: (definition: unknown) => ({
        pointer: definition,
        unref: () => seen.push("unref", definition),
      }),
    },
  } as unknown as DenoFfi);
  assert.deepEqual(backend.open("lib.so", table) as unknown, { f: 1, g: 2 });
  assert.equal(backend.callback(() => {}), 77);
  assert.equal(backend.view(8, 3).length, 3);
  assert.equal(backend.view(8, 0).length, 0);
  assert.equal(backend.text(0), "");
  assert.equal(backend.text(8), "text");
  assert.deepEqual(seen, [
    "lib.so",
    {
      f: { parameters: ["usize", "buffer", "buffer", "buffer", "usize", "bool"], result: "usize" },
      g: { parameters: [], result: "void" },
    },
    "unref",
    { parameters: [], result: "void" },
    [{ value: 8n }, 3],
  ]);
});
