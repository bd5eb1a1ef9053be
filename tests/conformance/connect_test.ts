/** This package's gRPC, gRPC-Web and Connect against the conformance runner of the Connect project. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { goTool, whyNoGoTools } from "../support/go_tool.ts";
import { runConformance, SUITES } from "./connect.ts";

const skip = whyNoGoTools() ?? false;
if (skip !== false) console.log(`skipped: ${skip}`);

for (const suite of SUITES) {
  test(
    `Connect's conformance runner passes: ${suite.name}`,
    { skip, timeout: 900_000 },
    async () => {
      const { passed, failed, output } = await runConformance(
        await goTool("connectconformance"),
        suite,
      );
      assert.equal(failed, 0, output);
      assert.ok(passed >= suite.leastCases, `only ${passed} cases`);
      console.log(`${suite.name}: ${passed} cases`);
    },
  );
}
