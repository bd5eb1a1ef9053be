/** gRPC clients in Go against KServeGrpc: grpcurl by reflection, and a health probe. */
import { before, test } from "node:test";
import { whyNoGoTools } from "../support/go_tool.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { type FrontEnds, startFrontEnds } from "./front_ends.ts";
import { GO_SCENARIOS, GoClients } from "./go_clients.ts";
import { type SecureFrontEnds, startSecureFrontEnds } from "./grpc_front_ends.ts";

const skip = whyNoGoTools() ?? false;
if (skip !== false) console.log(`skipped: ${skip}`);
let go: GoClients;
let frontEnds: FrontEnds;
let secure: SecureFrontEnds;

before(async () => {
  if (skip !== false) return;
  go = await GoClients.build();
  frontEnds = await startFrontEnds();
  secure = await startSecureFrontEnds(frontEnds.server);
});

for (const { title, run } of GO_SCENARIOS) {
  test(`Go client: ${title}`, { skip }, async () => {
    await run(go, { ...frontEnds.ports, ...secure.ports });
  });
}

test("Go client: nothing is left, and the server stops", { skip }, async () => {
  secure.forget();
  await assertNothingAlive(frontEnds.server);
  await frontEnds.server.stop();
});
