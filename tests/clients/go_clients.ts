/**
 * gRPC clients in Go: grpcurl, which knows the service by reflection only, and the health probe that
 * Kubernetes used before it had its own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, runCommand } from "../support/command.ts";
import { goTool } from "../support/go_tool.ts";
import type { Ports } from "./python.ts";

const LIMIT_MS = 30_000;

/** Runs a command and returns how it ended and what it wrote. */
async function run(command: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-go-"));
  try {
    return await runCommand(command, { log: join(folder, "output"), limitMs: LIMIT_MS });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The clients, ready to be run. */
export class GoClients {
  readonly #grpcurl: string;
  readonly #probe: string;

  private constructor(grpcurl: string, probe: string) {
    this.#grpcurl = grpcurl;
    this.#probe = probe;
  }

  /** Builds what is not there yet. */
  static async build(): Promise<GoClients> {
    return new GoClients(await goTool("grpcurl"), await goTool("grpc-health-probe"));
  }

  /** What grpcurl prints; throws when it fails. */
  async grpcurl(...args: readonly string[]): Promise<string> {
    const { code, output } = await run([this.#grpcurl, ...args]);
    assert.equal(code, 0, output);
    return output;
  }

  /** How the health probe ended. */
  async probe(...args: readonly string[]): Promise<Outcome> {
    return await run([this.#probe, ...args]);
  }
}

/** Something to see, and how. */
export interface GoScenario {
  readonly title: string;
  run(go: GoClients, ports: Ports): Promise<void>;
}

const SERVICE = "inference.GRPCInferenceService";

function address(ports: Ports, name = "grpc"): string {
  return `127.0.0.1:${ports[name]}`;
}

async function call(
  go: GoClients,
  ports: Ports,
  method: string,
  message: string,
): Promise<string> {
  return await go.grpcurl("-plaintext", "-d", message, address(ports), `${SERVICE}/${method}`);
}

/** Little-endian 32-bit integers, in Base64. */
function int32s(...values: readonly number[]): string {
  return new Uint8Array(Int32Array.from(values).buffer).toBase64();
}

const ADD_SUB = JSON.stringify({
  model_name: "add_sub",
  id: "from Go",
  inputs: ["INPUT0", "INPUT1"].map((name) => ({
    name,
    datatype: "INT32",
    shape: [1, 4],
    contents: { int_contents: [1, 2, 3, 4] },
  })),
});

const REPEAT = JSON.stringify({
  model_name: "repeat",
  inputs: [{ name: "IN", datatype: "INT32", shape: [2], contents: { int_contents: [7, 9] } }],
});

/** All of them. */
export const GO_SCENARIOS: readonly GoScenario[] = [
  {
    title: "grpcurl lists the services",
    async run(go, ports) {
      const services = (await go.grpcurl("-plaintext", address(ports), "list")).split("\n");
      for (const name of [SERVICE, "grpc.health.v1.Health"]) assert.ok(services.includes(name));
      const methods = await go.grpcurl("-plaintext", address(ports), "list", SERVICE);
      assert.equal(methods.trim().split("\n").length, 20);
    },
  },
  {
    title: "grpcurl describes methods and messages",
    async run(go, ports) {
      const describe = (what: string) => go.grpcurl("-plaintext", address(ports), "describe", what);
      assert.match(
        await describe(`${SERVICE}.ModelStreamInfer`),
        /rpc ModelStreamInfer \( stream \.inference\.ModelInferRequest \) returns \( stream/,
      );
      assert.match(
        await describe("inference.ModelInferRequest"),
        /repeated bytes raw_input_contents = 7;/,
      );
    },
  },
  {
    title: "grpcurl calls ServerLive and ModelInfer by reflection",
    async run(go, ports) {
      assert.deepEqual(JSON.parse(await call(go, ports, "ServerLive", "{}")), { live: true });
      const { id, rawOutputContents } = JSON.parse(await call(go, ports, "ModelInfer", ADD_SUB));
      assert.equal(id, "from Go");
      assert.deepEqual(rawOutputContents, [int32s(2, 4, 6, 8), int32s(0, 0, 0, 0)]);
    },
  },
  {
    title: "grpcurl gets the responses of a decoupled model on a stream",
    async run(go, ports) {
      const output = await call(go, ports, "ModelStreamInfer", REPEAT + REPEAT);
      const values = [...output.matchAll(/"rawOutputContents": \[\s*"(.*)"/g)];
      assert.deepEqual(
        values.map(([, bytes]) => bytes).sort(),
        [7, 7, 9, 9].map((value) => int32s(value)).sort(),
      );
    },
  },
  {
    title: "grpcurl shows Triton's errors",
    async run(go, ports) {
      await assert.rejects(
        call(go, ports, "ModelInfer", '{"model_name":"nope"}'),
        /Code: NotFound\s+Message: Request for unknown model: 'nope' is not found/,
      );
    },
  },
  {
    title: "grpcurl shows its certificate to a server that wants one",
    async run(go, ports) {
      const file = (name: string) => join(String(ports.certificates), name);
      const output = await go.grpcurl(
        ...["-cacert", file("ca.crt"), "-cert", file("client.crt"), "-key", file("client.key")],
        ...[address(ports, "mutual_tls_grpc"), `${SERVICE}/ServerReady`],
      );
      assert.deepEqual(JSON.parse(output), { ready: true });
    },
  },
  {
    title: "the health probe finds the server healthy, with TLS too",
    async run(go, ports) {
      const open = await go.probe("-addr", address(ports));
      assert.deepEqual([open.code, open.output.trim()], [0, "status: SERVING"]);
      const authority = join(String(ports.certificates), "ca.crt");
      const secure = address(ports, "tls_grpc");
      const encrypted = await go.probe("-addr", secure, "-tls", "-tls-ca-cert", authority);
      assert.deepEqual([encrypted.code, encrypted.output.trim()], [0, "status: SERVING"]);
      // Without TLS it finds nobody who speaks.
      const plain = await go.probe("-addr", secure, "-connect-timeout", "500ms");
      assert.equal(plain.code, 2, plain.output);
    },
  },
];
