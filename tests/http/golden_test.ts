/**
 * Replays the golden cases of the HTTP and the metrics front end.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { removeSharedMemory } from "../support/shared_memory.ts";
import { goldenCases, replay } from "./golden.ts";

interface Ports {
  readonly http: number;
  readonly metrics: number;
}

const script = fileURLToPath(new URL("./golden_server.ts", import.meta.url).href);

/** Models of the Python backend take a while to load, and to unload. */
const SLOW = { timeout: 120_000 };

/** Starts a golden server in a process of its own; it ends when `stop` is called. */
function startServer(...args: string[]): Promise<{ ports: Ports; stop: () => Promise<void> }> {
  const isBun = "Bun" in globalThis;
  const program = isBun ? [script] : ["run", "-A", script];
  const child: ChildProcess = spawn(process.execPath, [...program, ...args]);
  let output = "";
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  return new Promise((resolve, reject) => {
    const read = (data: Uint8Array) => {
      output += new TextDecoder().decode(data);
      const ready = /^READY (.*)$/m.exec(output);
      if (ready === null) return;
      const stop = () => {
        child.stdin!.end();
        return ended;
      };
      resolve({ ports: JSON.parse(ready[1]), stop });
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", read);
    ended.then(() => reject(new Error(`The golden server ended:\n${output}`)));
  });
}

function goldenSuite(name: string, args: () => string[], ports: Record<string, keyof Ports>): void {
  describe(`golden cases of server ${name}`, () => {
    let server: Awaited<ReturnType<typeof startServer>>;
    // Not hooks: Bun gives those five seconds, and the Python backend needs more.
    test("the server starts", SLOW, async () => {
      server = await startServer(...args());
    });
    for (const [part, port] of Object.entries(ports)) {
      for (const golden of goldenCases(part)) {
        test(`${part}: ${golden.name}`, async () => {
          const { differences } = await replay(golden, server.ports[port]);
          assert.deepEqual(differences, []);
        });
      }
    }
    test("the server stops", SLOW, async () => {
      await server.stop();
      for (const { setup_shm } of goldenCases(name)) {
        removeSharedMemory(...Object.keys(setup_shm ?? {}));
      }
    });
  });
}

goldenSuite("main", () => ["main"], { main: "http", metrics: "metrics" });
goldenSuite("restricted", () => ["restricted"], { restricted: "http" });

const noneModels = mkdtempSync(join(tmpdir(), "triton-golden-"));
for (const model of ["identity_fp32", "llm_dec", "classify"]) {
  symlinkSync(
    fileURLToPath(new URL(`../golden/models/${model}`, import.meta.url).href),
    join(noneModels, model),
  );
}
goldenSuite("none", () => ["none", noneModels], { none: "http" });
after(() => rmSync(noneModels, { recursive: true }));
