/**
 * The cases of the benchmark: what is asked of each server.
 *
 * @module
 */
import { binaryBody, type BodyFile, floats, generateBody, grpcBody, jsonBody } from "./bodies.ts";
import { h2load, type Measured, pythonLoad, streamLoad, wrk } from "./programs.ts";
import type { BenchServer } from "./servers.ts";

/** One case. */
export interface Case {
  readonly name: string;
  /** The ratio to the C++ server that is aimed at; undefined for none. */
  readonly aim?: number;
  run(server: BenchServer, seconds: number): Promise<Measured>;
}

const KIB = 256; // in floats
const MIB = 1024 * KIB;

/** Connections and streams that are used unless a case says otherwise. */
const CONNECTIONS = 16;
const GRPC = { connections: 4, streams: 4 };

/** All cases. */
export function cases(): Case[] {
  return [
    http("HTTP health", "/v2/health/live", 1.5),
    http("HTTP JSON 16 floats", INFER, 1.5, jsonBody(floats(16))),
    http("HTTP JSON 4096 floats", INFER, 1.5, jsonBody(floats(4096))),
    http("HTTP binary 16 floats", INFER, 1.5, binaryBody(floats(16))),
    http("HTTP binary 64 KiB", INFER, 1.3, binaryBody(floats(64 * KIB))),
    http("HTTP binary 1 MiB", INFER, 1.3, binaryBody(floats(MIB))),
    http("HTTP binary 16 MiB", INFER, undefined, binaryBody(floats(16 * MIB)), 4),
    http("HTTP binary 16 floats, 1 connection", INFER, undefined, binaryBody(floats(16)), 1),
    http("HTTP binary 16 floats, 256 connections", INFER, undefined, binaryBody(floats(16)), 256),
    http("HTTP generate_stream 100 tokens", GENERATE_STREAM, undefined, generateBody(100)),
    unary("gRPC 16 floats", 2, grpcBody(floats(16))),
    unary("gRPC 4096 floats", undefined, grpcBody(floats(4096))),
    unary("gRPC 64 KiB", 1.3, grpcBody(floats(64 * KIB))),
    unary("gRPC 1 MiB", 1, grpcBody(floats(MIB))),
    unary("gRPC 16 MiB", undefined, grpcBody(floats(16 * MIB)), { connections: 4, streams: 1 }),
    unary("gRPC 16 floats, 1 call", undefined, grpcBody(floats(16)), {
      connections: 1,
      streams: 1,
    }),
    unary("gRPC 16 floats, 256 connections", undefined, grpcBody(floats(16)), {
      connections: 256,
      streams: 1,
    }),
    stream("gRPC stream, 1 in flight", undefined, 1, 1),
    stream("gRPC stream, 32 in flight", 2, 32, 1),
    stream("gRPC decoupled 100 responses", 1.5, 4, 100),
    python("HTTP 16 floats, tritonclient", "http"),
    python("gRPC 16 floats, tritonclient", "grpc"),
  ];
}

/** The cases that are run with threads as well. */
export function threadCases(): Case[] {
  const names = [
    "HTTP health",
    "HTTP JSON 4096 floats",
    "HTTP binary 16 floats",
    "HTTP binary 64 KiB",
    "gRPC 16 floats",
    "gRPC 64 KiB",
  ];
  return cases().filter(({ name }) => names.includes(name)).map((each) => {
    return { ...each, name: `threads: ${each.name}` };
  });
}

const INFER = "/v2/models/echo/infer";
const GENERATE_STREAM = "/v2/models/echo_stream/generate_stream";

function http(
  name: string,
  path: string,
  aim: number | undefined,
  body?: BodyFile,
  connections = CONNECTIONS,
): Case {
  const run = ({ httpPort }: BenchServer, seconds: number) => {
    return wrk(`http://127.0.0.1:${httpPort}${path}`, seconds, connections, body);
  };
  return { name, aim, run };
}

const INFER_RPC = "/inference.GRPCInferenceService/ModelInfer";

function unary(name: string, aim: number | undefined, body: BodyFile, how = GRPC): Case {
  const run = ({ grpcPort }: BenchServer, seconds: number) => {
    return h2load(`http://127.0.0.1:${grpcPort}${INFER_RPC}`, seconds, body, how);
  };
  return { name, aim, run };
}

function stream(name: string, aim: number | undefined, inFlight: number, responses: number): Case {
  const run = ({ grpcPort }: BenchServer, seconds: number) => {
    return streamLoad({ port: grpcPort, seconds, inFlight, responses });
  };
  return { name, aim, run };
}

function python(name: string, protocol: "http" | "grpc"): Case {
  const run = ({ httpPort, grpcPort }: BenchServer, seconds: number) => {
    return pythonLoad(protocol, protocol === "http" ? httpPort : grpcPort, seconds);
  };
  return { name, run };
}

/** How the names of rated cases end. */
export const RATED = "at 80 %";

/** A load at a rate that is given: the times are those of a server that is not at its end. */
export interface RatedCase {
  readonly name: string;
  run(server: BenchServer, seconds: number, rate: number): Promise<Measured>;
  /** As much as the server answers. */
  most(server: BenchServer, seconds: number): Promise<Measured>;
}

/** The loads whose times are compared at 80 % of what the C++ server can take. */
export function ratedCases(): RatedCase[] {
  return [
    rated(`HTTP binary 16 floats ${RATED}`, binaryBody(floats(16)), true),
    rated(`gRPC 16 floats ${RATED}`, grpcBody(floats(16)), false),
  ];
}

function rated(name: string, body: BodyFile, http1: boolean): RatedCase {
  const how = http1
    ? { connections: CONNECTIONS, streams: 1, http1 }
    : { connections: CONNECTIONS, streams: 4 };
  const url = ({ httpPort, grpcPort }: BenchServer) =>
    http1 ? `http://127.0.0.1:${httpPort}${INFER}` : `http://127.0.0.1:${grpcPort}${INFER_RPC}`;
  return {
    name,
    run: (server, seconds, rate) => h2load(url(server), seconds, body, { ...how, rate }),
    most: (server, seconds) => h2load(url(server), seconds, body, how),
  };
}
