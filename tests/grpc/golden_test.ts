/**
 * Replays the calls recorded with Triton's C++ server against this front end and the same library.
 *
 * @module
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { KServeGrpc } from "../../src/grpc/kserve_grpc.ts";
import type { KServeGrpcOptions } from "../../src/grpc/options.ts";
import { RestrictedFeatures } from "../../src/kserve/restricted.ts";
import { TraceSettings } from "../../src/kserve/trace_settings.ts";
import type { ServerOptions } from "../../src/server/options.ts";
import { Server } from "../../src/server/server.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import {
  assertGolden,
  type Expected,
  type GoldenCall,
  goldenCalls,
  requestBytes,
} from "../support/grpc_golden.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { assertNothingAlive } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { makeGrpcObjects, removeGrpcObjects } from "../support/golden_objects.ts";

const models = fileURLToPath(new URL("../golden/grpc-models", import.meta.url).href);

/** Milliseconds in which a server with all models starts or stops, even on a busy machine. */
const SETUP_TIMEOUT = 120_000;

/** Calls that newer servers than the recorded one answer otherwise: see docs/deviations-grpc.md. */
const DEVIATIONS: Readonly<Record<string, Expected>> = {
  "model-ready-unknown": {
    code: 5,
    message: "Request for unknown model: 'nope' is not found",
  },
  "model-ready-unknown-version": {
    code: 5,
    message: "Request for unknown model: 'add_sub' version 2 is not found",
  },
  "infer-dup-output": {
    code: 3,
    message: "[request id: <id_unknown>] output 'OUTPUT0' already exists in request",
  },
};

/** Copies of the models named here, or of all: the Python backend writes beside them. */
function makeRepository(name?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "triton-grpc-golden-"));
  cpSync(join(models, name ?? ""), join(folder, name ?? ""), { recursive: true });
  // The ensemble's version has no files, so that version control does not keep its folder.
  if (name === undefined) mkdirSync(join(folder, "ens", "1"), { recursive: true });
  return folder;
}

function restrictions(): RestrictedFeatures {
  const restricted = new RestrictedFeatures();
  restricted.createFeatureGroup("infer-key", "infer-value", ["health", "inference"]);
  restricted.createFeatureGroup("admin-key", "admin-value", [
    "model-repository",
    "model-config",
    "trace",
    "logging",
    "statistics",
    "shared-memory",
    "metadata",
  ]);
  return restricted;
}

/** Waits for the unload before this, which ends in the background. */
async function unloaded(server: Server): Promise<void> {
  const index = async () => new TextDecoder().decode(await server.repositoryIndexJson(false));
  while ((await index()).includes("UNLOADING")) await sleep(100);
}

interface Setup {
  /** The only model of the repository; absent for all models. */
  readonly model?: string;
  readonly server: Partial<ServerOptions>;
  readonly frontend: KServeGrpcOptions;
}

const SETUPS: Readonly<Record<GoldenCall["server"], Setup>> = {
  main: {
    server: { modelControlMode: "explicit", startupModels: ["*"], logInfo: true },
    frontend: {
      forwardHeaderPattern: "x-.*",
      traceSettings: new TraceSettings({ file: "golden_trace.json" }),
    },
  },
  none: { model: "identity_str", server: {}, frontend: {} },
  restricted: {
    model: "identity_str",
    server: {},
    frontend: { restrictedFeatures: restrictions() },
  },
};

const calls = goldenCalls();
for (const [name, setup] of Object.entries(SETUPS)) {
  describe(`golden gRPC calls: ${name}`, () => {
    let repository: string;
    let server: Server;
    let frontend: KServeGrpc;
    let client: RawGrpcClient;

    // As tests and not as hooks, because Bun gives hooks five seconds whatever is said.
    it("starts", { timeout: SETUP_TIMEOUT }, async () => {
      makeGrpcObjects();
      repository = makeRepository(setup.model);
      server = await Server.start({ modelRepository: repository, ...setup.server });
      frontend = await KServeGrpc.start(server, {
        transport: TRANSPORT,
        address: "127.0.0.1",
        port: 0,
        allowClientSharedMemory: true,
        threads: THREADS,
        ...setup.frontend,
      });
      await occupyMainThread("grpc", frontend.port);
      client = new RawGrpcClient(frontend.port);
    });

    for (const call of calls.filter((each) => each.server === name)) {
      it(call.id, async () => {
        if (call.id === "index-after-unload") await unloaded(server);
        const reply = await client.call({
          path: call.rpc,
          headers: Object.fromEntries(call.metadata),
          messages: requestBytes(call),
          deadline: call.id === "deadline-unary" ? 500 : undefined,
        });
        assertGolden(call, reply, DEVIATIONS[call.id]);
      });
    }

    it("stops", { timeout: SETUP_TIMEOUT }, async () => {
      await client[Symbol.asyncDispose]();
      await frontend.stop();
      await assertNothingAlive(server);
      await server.stop();
      rmSync(repository, { recursive: true });
      removeGrpcObjects();
    });
  });
}
