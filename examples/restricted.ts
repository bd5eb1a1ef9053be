// Restricted features: the model repository only answers requests with a secret in a header, on HTTP and
// on gRPC. The rest is open.
//
//     deno run -A examples/restricted.ts
//     bun run examples/restricted.ts
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Feature, KServeGrpc, KServeHttp, RestrictedFeatures, Server } from "@triton-ts/frontend";
import { GRPCInferenceService } from "../proto/gen/grpc_service_pb.ts";

const restrictedFeatures = new RestrictedFeatures();
restrictedFeatures.createFeatureGroup("admin-key", "secret", [Feature.MODEL_REPOSITORY]);

await using server = await Server.start({ modelRepository: "examples/models" });
await using http = await KServeHttp.start(server, { port: 0, restrictedFeatures });
await using grpc = await KServeGrpc.start(server, { port: 0, restrictedFeatures });

const index = `http://localhost:${http.port}/v2/repository/index`;
const refused = await fetch(index, { method: "POST" });
console.log(`HTTP without the header: ${refused.status} ${await refused.text()}`);
const answered = await fetch(index, { method: "POST", headers: { "admin-key": "secret" } });
console.log(`HTTP with it: ${answered.status} ${await answered.text()}`);

const baseUrl = `http://localhost:${grpc.port}`;
const sessionManager = new Http2SessionManager(baseUrl);
const transport = createGrpcTransport({ baseUrl, sessionManager });
const client = createClient(GRPCInferenceService, transport);
try {
  await client.repositoryIndex({});
} catch (error) {
  console.log(`gRPC without the metadata: ${ConnectError.from(error).message}`);
}
const headers = { "triton-grpc-protocol-admin-key": "secret" };
const { models } = await client.repositoryIndex({}, { headers });
console.log(`gRPC with it: ${models.map(({ name }) => name).join(", ")}`);

sessionManager.abort(); // closes the client's connection before the server goes
