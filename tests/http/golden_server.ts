/**
 * A program that runs one of the servers of the golden cases in a process of its own, prints its ports
 * as a line `READY {"http":...,"metrics":...}`, and ends when its standard input does.
 *
 * @module
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { KServeHttp, type KServeHttpOptions } from "../../src/http/kserve_http.ts";
import { Feature, RestrictedFeatures } from "../../src/kserve/restricted.ts";
import { TraceSettings } from "../../src/kserve/trace_settings.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Server } from "../../src/server/server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";

const models = fileURLToPath(new URL("../golden/models", import.meta.url).href);
// The ensemble's version folder is empty, which git does not keep.
mkdirSync(join(models, "ens", "1"), { recursive: true });

/** How each server was started when the cases were recorded. */
const SERVERS: Record<string, () => { server: ServerOptions; http: KServeHttpOptions }> = {
  main: () => ({
    server: {
      modelRepository: models,
      serverId: "golden",
      modelControlMode: "explicit",
      startupModels: readdirSync(models).filter((model) => model !== "broken"),
      logInfo: true,
    },
    http: {
      headerForwardPattern: "(?i)(X-Fwd-.*|sequence_id)",
      traceSettings: new TraceSettings({ file: "golden_trace.json" }),
    },
  }),
  restricted: () => {
    const restrictedFeatures = new RestrictedFeatures();
    restrictedFeatures.createFeatureGroup("h-key", "h-val", [Feature.HEALTH]);
    restrictedFeatures.createFeatureGroup("infer-key", "infer=val", [
      Feature.METADATA,
      Feature.INFERENCE,
    ]);
    restrictedFeatures.createFeatureGroup("Admin-Key", "admin-value", [
      Feature.SHARED_MEMORY,
      Feature.MODEL_CONFIG,
      Feature.MODEL_REPOSITORY,
      Feature.STATISTICS,
      Feature.TRACE,
      Feature.LOGGING,
    ]);
    return {
      server: {
        modelRepository: models,
        modelControlMode: "explicit",
        startupModels: ["identity_fp32", "llm"],
        logInfo: true,
      },
      http: { restrictedFeatures },
    };
  },
  none: () => ({
    server: { modelRepository: process.argv[3], logInfo: true },
    http: {},
  }),
};

const which = process.argv[2];
const { server: serverOptions, http: httpOptions } = SERVERS[which]();
await using server = await Server.start({ ...serverOptions, setUp: false });
await using http = await KServeHttp.start(server, {
  ...httpOptions,
  allowClientSharedMemory: true,
  address: "127.0.0.1",
  port: 0,
  threads: THREADS,
});
await occupyMainThread("http", http.port);
await using metrics = await Metrics.start(server, { address: "127.0.0.1", port: 0 });
console.log(`READY ${JSON.stringify({ http: http.port, metrics: metrics.port })}`);
for await (const _ of process.stdin);
console.log("STOPPING");
