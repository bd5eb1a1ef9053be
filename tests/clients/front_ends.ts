/**
 * The server that the Python clients talk to: every front end on a free port, HTTP and gRPC a second
 * time with restricted features.
 *
 * @module
 */
import { KServeGrpc, KServeHttp, Metrics, RestrictedFeatures, type Server } from "../../mod.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { startGolden } from "../support/real_server.ts";
import type { Ports } from "./python.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };

/** What {@link startFrontEnds} started. Stopping the server stops everything. */
export interface FrontEnds {
  readonly server: Server;
  readonly ports: Ports;
}

/** Starts a server with the models that the scenarios use, and the front ends. */
export async function startFrontEnds(): Promise<FrontEnds> {
  const server = await startGolden([
    ...["identity_bytes", "ident_any", "bf16_pass", "add_sub", "classify", "params", "accumulate"],
    ...["llm", "llm_dec", "repeat", "slow", "fail"],
  ], { serverId: "clients" });
  const restrictedFeatures = new RestrictedFeatures();
  restrictedFeatures.createFeatureGroup("infer-key", "infer-value", ["inference"]);
  restrictedFeatures.createFeatureGroup("admin-key", "admin-value", ["model-repository"]);
  const open = { ...LOCAL, allowClientSharedMemory: true };
  const http = await KServeHttp.start(server, open);
  const grpc = await KServeGrpc.start(server, { ...open, transport: TRANSPORT });
  const metrics = await Metrics.start(server, LOCAL);
  const restrictedHttp = await KServeHttp.start(server, { ...LOCAL, restrictedFeatures });
  const restrictedGrpc = await KServeGrpc.start(server, {
    ...LOCAL,
    restrictedFeatures,
    transport: TRANSPORT,
  });
  const ports = {
    http: http.port,
    grpc: grpc.port,
    metrics: metrics.port,
    restricted_http: restrictedHttp.port,
    restricted_grpc: restrictedGrpc.port,
  };
  return { server, ports };
}
