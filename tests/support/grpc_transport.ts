/**
 * Which HTTP/2 the front ends of a test use: the default, or what the environment variable GRPC_TRANSPORT
 * says. `run.ts` runs some tests with both.
 *
 * @module
 */
import process from "node:process";

/** The option `transport` of `KServeGrpc`. */
export const TRANSPORT: "h2" | "node" = process.env.GRPC_TRANSPORT === "node" ? "node" : "h2";
