/**
 * The options of the gRPC front end, named as in Triton's Python package `tritonfrontend`
 * (`KServeGrpc.Options`), in camel case.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { Engine } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { headerPattern } from "../kserve/header_forwarding.ts";
import { RestrictedFeatures } from "../kserve/restricted.ts";
import { type TraceSettings, traceSettingsOf } from "../kserve/trace_settings.ts";
import { COMPRESSION_LEVELS, type CompressionLevel } from "./compression.ts";
import type { TransportOptions, TransportTls } from "./transport.ts";

/** Options of {@link KServeGrpc}. All may be left out. */
export interface KServeGrpcOptions {
  /** The IP address or host name to listen on. Default `"0.0.0.0"`; `--grpc-address`. */
  address?: string;
  /** The TCP port, 0 to 65535; 0 takes a free one. Default 8001; `--grpc-port`. */
  port?: number;
  /** Whether to speak TLS. Default false; `--grpc-use-ssl`. */
  useSsl?: boolean;
  /** The file with the server's certificate chain in PEM; `--grpc-server-cert`. */
  serverCert?: string;
  /** The file with the certificate's key in PEM; `--grpc-server-key`. */
  serverKey?: string;
  /** The file with the authorities of client certificates in PEM; `--grpc-root-cert`. */
  rootCert?: string;
  /**
   * Whether clients must show a certificate from `rootCert`; turns TLS on. Default false;
   * `--grpc-use-ssl-mutual`.
   */
  useMutualAuth?: boolean;
  /** Milliseconds before a connection is pinged. Default 7200000; `--grpc-keepalive-time`. */
  keepaliveTimeMs?: number;
  /**
   * Milliseconds that a ping may stay unanswered before the connection is cut. Default 20000;
   * `--grpc-keepalive-timeout`.
   */
  keepaliveTimeoutMs?: number;
  /**
   * Whether connections without a call are pinged too. Default false;
   * `--grpc-keepalive-permit-without-calls`.
   */
  keepalivePermitWithoutCalls?: boolean;
  /**
   * Milliseconds, give or take a tenth, after which a connection is asked to go. Default 0, never;
   * `--grpc-max-connection-age`.
   */
  maxConnectionAgeMs?: number;
  /**
   * Milliseconds that calls on a connection asked to go may still take. Default 0, any time;
   * `--grpc-max-connection-age-grace`.
   */
  maxConnectionAgeGraceMs?: number;
  /**
   * How strongly responses to inferences are compressed, for clients that can read it. Default
   * `"none"`; `--grpc-infer-response-compression-level`.
   */
  inferCompressionLevel?: CompressionLevel;
  /**
   * Request metadata whose name this expression finds, anywhere in it, is handed to the model as string
   * parameters. The text of a regular expression, which ignores case unless it begins with `(?-i)`, or
   * one. Default `""`, none; `--grpc-header-forward-pattern`.
   */
  forwardHeaderPattern?: string | RegExp;
  /** Methods that only answer calls with certain metadata; `--grpc-restricted-protocol`. */
  restrictedFeatures?: RestrictedFeatures;
  /**
   * The trace settings that clients see and change; `--trace-config`. Default: those that the front
   * ends of the server share, with tracing off and no file.
   */
  traceSettings?: TraceSettings;
}

/** The options with nothing left open. */
export interface ResolvedOptions {
  readonly transport: TransportOptions;
  readonly inferCompressionLevel: CompressionLevel;
  readonly headerPattern: RegExp | undefined;
  readonly restrictedFeatures: RestrictedFeatures;
  readonly traceSettings: TraceSettings;
}

/**
 * Checks the `options` of a front end for `engine`, fills in defaults, and reads the certificate files.
 *
 * @throws {RangeError} when a number is out of its range, or a level is unknown.
 * @throws {TritonError} INVALID_ARG when a file cannot be read or the header pattern is no regular
 * expression.
 */
export function resolveOptions(engine: Engine, options: KServeGrpcOptions): ResolvedOptions {
  const { inferCompressionLevel = "none" } = options;
  if (!COMPRESSION_LEVELS.includes(inferCompressionLevel)) {
    throw new RangeError(
      `Cannot use inferCompressionLevel "${inferCompressionLevel}": it is one of ` +
        COMPRESSION_LEVELS.join(", "),
    );
  }
  return {
    transport: {
      address: options.address ?? "0.0.0.0",
      port: whole("port", options.port ?? 8001, 65535),
      tls: tlsOf(options),
      keepaliveTimeMs: whole("keepaliveTimeMs", options.keepaliveTimeMs ?? 7_200_000),
      keepaliveTimeoutMs: whole("keepaliveTimeoutMs", options.keepaliveTimeoutMs ?? 20_000),
      keepalivePermitWithoutCalls: options.keepalivePermitWithoutCalls ?? false,
      maxConnectionAgeMs: whole("maxConnectionAgeMs", options.maxConnectionAgeMs ?? 0),
      maxConnectionAgeGraceMs: whole(
        "maxConnectionAgeGraceMs",
        options.maxConnectionAgeGraceMs ?? 0,
      ),
    },
    inferCompressionLevel,
    headerPattern: headerPattern(options.forwardHeaderPattern ?? ""),
    restrictedFeatures: options.restrictedFeatures ?? new RestrictedFeatures(),
    traceSettings: options.traceSettings ?? traceSettingsOf(engine),
  };
}

function whole(name: string, value: number, max = 2147483647): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`Cannot use ${name} ${value}: it is a whole number from 0 to ${max}`);
}

function tlsOf(options: KServeGrpcOptions): TransportTls | undefined {
  const { useSsl = false, useMutualAuth = false } = options;
  if (!useSsl && !useMutualAuth) return undefined;
  return {
    cert: readPem("serverCert", options.serverCert),
    key: readPem("serverKey", options.serverKey),
    clientAuthorities: useMutualAuth ? readPem("rootCert", options.rootCert) : undefined,
  };
}

function readPem(option: string, path: string | undefined): string {
  if (path === undefined || path === "") {
    throw new TritonError("INVALID_ARG", `Cannot speak TLS: the option ${option} is missing`);
  }
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TritonError("INVALID_ARG", `Cannot read ${option} "${path}"`, { cause });
  }
}
