/**
 * Runs Connect's conformance runner against the gRPC of this package, plain and with TLS, and against its
 * gRPC-Web and Connect over HTTP/1.1, on the runtime that runs this:
 *
 *     deno run -A tests/conformance/connect.ts
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT, runCommand } from "../support/command.ts";
import { goTool } from "../support/go_tool.ts";

/** What a run found. */
export interface ConformanceResult {
  /** Cases that did as they should, or failed as `KNOWN` says. */
  readonly passed: number;
  readonly failed: number;
  /** What the runner wrote. */
  readonly output: string;
}

/** A protocol that is tested, as the runner's configuration names what a server can do. */
export interface Suite {
  readonly name: string;
  readonly features: readonly string[];
  /** Cases whose outcome is Triton's and not what Connect's runner wants. */
  readonly known: readonly string[];
  /** No fewer cases pass. */
  readonly leastCases: number;
}

const LIMIT_MS = 10 * 60 * 1000;

/** The protocols. */
export const SUITES: readonly Suite[] = [
  {
    name: "gRPC",
    features: [
      "versions: [HTTP_VERSION_2]",
      "protocols: [PROTOCOL_GRPC]",
      "codecs: [CODEC_PROTO]",
      "compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]",
      "supports_tls: true",
    ],
    // Triton's gRPC core resets streams of other types and encodings, takes no message for one that cannot
    // be parsed, ignores further messages of a call that takes one, and drops a message that is cut short.
    known: [
      "Unexpected Requests/**/unexpected-content-type",
      "gRPC Unexpected Requests/**/unexpected-codec",
      "gRPC Unexpected Requests/**/unexpected-compression",
      "gRPC Unexpected Requests/**/no-request",
      "gRPC Unexpected Requests/**/multiple-requests",
      "gRPC Unexpected Requests/**/client-stream/incomplete-message",
      "gRPC Unexpected Requests/**/client-stream/incomplete-message-prefix",
    ],
    leastCases: 478,
  },
  {
    name: "gRPC-Web and Connect",
    features: [
      "versions: [HTTP_VERSION_1]",
      "protocols: [PROTOCOL_GRPC_WEB, PROTOCOL_CONNECT]",
      "codecs: [CODEC_PROTO, CODEC_JSON]",
      "compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]",
      "supports_tls: false",
      "supports_half_duplex_bidi_over_http1: true",
    ],
    known: [],
    leastCases: 654,
  },
];

/** Runs the cases of `suite` with the runner at `path`. */
export async function runConformance(path: string, suite: Suite): Promise<ConformanceResult> {
  const folder = mkdtempSync(join(tmpdir(), "triton-conformance-"));
  const config = join(folder, "config.yaml");
  const features = [...suite.features, "supports_message_receive_limit: false"];
  writeFileSync(config, ["features:", ...features.map((line) => `  ${line}`), ""].join("\n"));
  const server = join(ROOT, "tests", "conformance", "connect_server.ts");
  const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A", "-q"] : [process.execPath];
  const known = suite.known.flatMap((pattern) => ["--known-failing", pattern]);
  try {
    const { output } = await runCommand(
      [path, "--mode", "server", "--conf", config, ...known, "--", ...runtime, server],
      { log: join(folder, "log"), limitMs: LIMIT_MS },
    );
    const [, passed, failed] = /(\d+) passed, (\d+) failed/.exec(output) ?? [];
    if (passed === undefined) throw new Error(`The conformance runner ended early:\n${output}`);
    return { passed: Number(passed), failed: Number(failed), output };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const path = await goTool("connectconformance");
  for (const suite of SUITES) {
    const { output, failed } = await runConformance(path, suite);
    console.log(`${suite.name}\n${output}`);
    if (failed > 0) process.exitCode = 1;
  }
}
