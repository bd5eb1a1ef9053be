/**
 * Which HTTP/2 the front ends of a test use: the default, or what the environment variable GRPC_TRANSPORT
 * says. `run.ts` runs some tests with both.
 *
 * @module
 */
import process from "node:process";

/** The option `transport` of `KServeGrpc`. */
export const TRANSPORT: "h2" | "node" = process.env.GRPC_TRANSPORT === "node" ? "node" : "h2";

/**
 * Why a test does not run over `node:http2`, on one runtime or on both, for the option `skip` of a test;
 * false when it runs. What that HTTP/2 cannot do is listed in docs/deviations-grpc.md.
 */
export function skippedOnNode(reason: string, runtime?: "Bun" | "Deno"): string | false {
  if (TRANSPORT !== "node" || (runtime !== undefined && !(runtime in globalThis))) return false;
  console.log(`skipped: ${reason}`);
  return reason;
}
