/** The HTTP/2 of this package against h2spec. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { goTool, whyNoGoTools } from "../support/go_tool.ts";
import { runH2spec } from "./h2spec.ts";

/** Of h2spec 2.2, with its strict ones. */
const LEAST_CASES = 146;

const skip = whyNoGoTools() ?? false;
if (skip !== false) console.log(`skipped: ${skip}`);

for (const tls of [false, true]) {
  test(
    `h2spec passes ${tls ? "over TLS" : "over plain sockets"}`,
    { skip, timeout: 600_000 },
    async () => {
      const groups = await runH2spec(await goTool("h2spec"), tls);
      const failed = groups.flatMap((group) =>
        group.failed.map((title) => `${group.name}: ${title}`)
      );
      assert.deepEqual(failed, []);
      const passed = groups.reduce((sum, group) => sum + group.passed, 0);
      assert.ok(passed >= LEAST_CASES, `only ${passed} cases`);
    },
  );
}
