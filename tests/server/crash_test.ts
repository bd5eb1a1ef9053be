/**
 * What tends to crash servers, each in a process of its own, which must end well: see
 * tests/support/crash_scenarios.ts. Each runs CRASH_RUNS times, three when that is not set.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startChild } from "../support/child.ts";
import { SCENARIO_NAMES } from "../support/crash_scenarios.ts";

const RUNS = Number(process.env.CRASH_RUNS ?? 3);
const PROGRAM = fileURLToPath(new URL("../support/crash_scenarios.ts", import.meta.url).href);

for (const name of SCENARIO_NAMES) {
  for (let run = 1; run <= RUNS; run++) {
    test(`${name} ends well, run ${run} of ${RUNS}`, async () => {
      const { code, signal, output } = await startChild(PROGRAM, [name]).end;
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, output);
      assert.ok(output.includes(`\nDONE ${name} `) || output.startsWith("DONE"), output);
      assert.doesNotMatch(output, /panic|segmentation|core dumped|terminate called|uncaught/i);
    });
  }
}
