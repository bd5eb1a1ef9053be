/**
 * The options of the gRPC front end, named as in Triton's Python package `tritonfrontend`
 * (`KServeGrpc.Options`), in camel case.
 *
 * @module
 */
import { headerPattern } from "../kserve/header_forwarding.ts";
import type { RestrictedFeatures } from "../kserve/restricted.ts";
import type { TraceSettings } from "../kserve/trace_settings.ts";
import type { TlsOptions } from "../net/tls.ts";
import { threadCount } from "../threads/threads.ts";
import { CertificateFiles } from "./certificate_files.ts";
import { COMPRESSION_LEVELS, type CompressionLevel } from "./compression.ts";
import type { TransportOptions } from "./transport.ts";

/** Options of {@link KServeGrpc}. All may be left out. */
export interface KServeGrpcOptions {
  /**
   * The IP address or host name to listen on, or `unix:` and the absolute path of a Unix domain socket.
   * Default `"0.0.0.0"`; `--grpc-address`.
   */
  address?: string;
  /** The TCP port, 0 to 65535; 0 takes a free one. Default 8001; `--grpc-port`. */
  port?: number;
  /**
   * Whether several servers, all with this option, may share the port: the system spreads connections
   * over them. Default false; `--reuse-grpc-port`.
   */
  reusePort?: boolean;
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
  /**
   * Milliseconds between two looks at the certificate files, for certificates that are renewed in place:
   * new connections get the new ones, open ones go on. Default 0, no looks.
   */
  certificateReloadMs?: number;
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
   * How many pings may follow each other while neither headers nor data are sent; 0 for any number.
   * Default 2; `--grpc-http2-max-pings-without-data`.
   */
  http2MaxPingsWithoutData?: number;
  /**
   * Milliseconds that a client must leave between its pings while it is sent neither headers nor data.
   * Default 300000; `--grpc-http2-min-recv-ping-interval-without-data`.
   */
  http2MinRecvPingIntervalWithoutDataMs?: number;
  /**
   * How many pings may come too early before the connection is ended; 0 for any number. Default 2;
   * `--grpc-http2-max-ping-strikes`.
   */
  http2MaxPingStrikes?: number;
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
   * How many responses to a request of a stream may wait for a client that does not read, at least 1,
   * before the model of the request has to wait; a few that it sends meanwhile come on top. Whatever it
   * is, models wait once 64 MiB do on a stream. Default 2147483647; `--grpc-max-response-pool-size`.
   */
  maxResponsePoolSize?: number;
  /**
   * Milliseconds by which replies are late, other than to inferences: for tests of clients' time-outs.
   * Default 0; the variable `TRITONSERVER_SERVER_DELAY_GRPC_RESPONSE_SEC`.
   */
  replyDelayMs?: number;
  /**
   * Request metadata whose name this expression finds, anywhere in it, is handed to the model as string
   * parameters. The text of a regular expression, which ignores case unless it begins with `(?-i)`, or
   * one. Default `""`, none; `--grpc-header-forward-pattern`.
   */
  forwardHeaderPattern?: string | RegExp;
  /**
   * Whether clients may register shared memory for their tensors to lie in. Only for clients that are
   * trusted, since they may name any shared memory that this process can open. The front ends of a server
   * share the regions. Default false; `--allow-client-shm`.
   */
  allowClientSharedMemory?: boolean;
  /** Methods that only answer calls with certain metadata; `--grpc-restricted-protocol`. */
  restrictedFeatures?: RestrictedFeatures;
  /**
   * The trace settings that clients see and change; `--trace-config`. Default: those that the front
   * ends of the server share, with tracing off and no file.
   */
  traceSettings?: TraceSettings;
  /**
   * What speaks HTTP/2: `"h2"`, this package's own, or `"node"`, the runtime's `node:http2`, which is
   * several times slower and does not limit pings; that of Deno (seen on 2.9.6) may end the process when
   * a busy client goes away. Default `"h2"`.
   */
  transport?: "h2" | "node";
  /**
   * How many event loops serve connections, from 1 to 128: the main thread's, and those of Workers, which
   * share the server; each connection goes to the one with the fewest. The front ends of a server share
   * the Workers. Only with transport `"h2"`. Over TLS the system spreads the connections, as with
   * `reusePort`. Default 1; `--grpc-infer-thread-count`, whose default is 2.
   */
  threads?: number;
}

/** The options with nothing left open. */
export interface ResolvedOptions {
  readonly transport: TransportOptions;
  readonly transportKind: "h2" | "node";
  readonly inferCompressionLevel: CompressionLevel;
  readonly maxResponsePoolSize: number;
  readonly replyDelayMs: number;
  readonly headerPattern: RegExp | undefined;
  readonly threads: number;
}

/**
 * Checks the `options` of a front end, fills in defaults, and reads the certificate files.
 *
 * @throws {RangeError} when a number is out of its range, or a level is unknown.
 * @throws {TritonError} INVALID_ARG when a file cannot be read or the header pattern is no regular
 * expression.
 */
export function resolveOptions(options: KServeGrpcOptions): ResolvedOptions {
  const { inferCompressionLevel = "none" } = options;
  if (!COMPRESSION_LEVELS.includes(inferCompressionLevel)) {
    throw new RangeError(
      `Cannot use inferCompressionLevel "${inferCompressionLevel}": it is one of ` +
        COMPRESSION_LEVELS.join(", "),
    );
  }
  const { transport = "h2" } = options;
  if (transport !== "h2" && transport !== "node") {
    throw new RangeError(`Cannot use transport "${transport}": it is one of h2, node`);
  }
  const threads = threadCount(options.threads);
  if (transport === "node" && threads > 1) {
    throw new RangeError(`Cannot use ${threads} threads with transport "node": use "h2"`);
  }
  const tls = tlsOf(options);
  if (tls !== undefined && threads > 1 && options.address?.startsWith("unix:")) {
    throw new RangeError(
      `Cannot use ${threads} threads with TLS on a Unix domain socket: use 1, or a port`,
    );
  }
  return {
    transportKind: transport,
    transport: {
      address: options.address ?? "0.0.0.0",
      port: whole("port", options.port ?? 8001, { max: 65535 }),
      // Threads listen for TLS themselves.
      reusePort: (options.reusePort ?? false) || (tls !== undefined && threads > 1),
      tls,
      keepaliveTimeMs: whole("keepaliveTimeMs", options.keepaliveTimeMs ?? 7_200_000),
      keepaliveTimeoutMs: whole("keepaliveTimeoutMs", options.keepaliveTimeoutMs ?? 20_000),
      keepalivePermitWithoutCalls: options.keepalivePermitWithoutCalls ?? false,
      http2MaxPingsWithoutData: whole(
        "http2MaxPingsWithoutData",
        options.http2MaxPingsWithoutData ?? 2,
      ),
      http2MinRecvPingIntervalWithoutDataMs: whole(
        "http2MinRecvPingIntervalWithoutDataMs",
        options.http2MinRecvPingIntervalWithoutDataMs ?? 300_000,
      ),
      http2MaxPingStrikes: whole("http2MaxPingStrikes", options.http2MaxPingStrikes ?? 2),
      maxConnectionAgeMs: whole("maxConnectionAgeMs", options.maxConnectionAgeMs ?? 0),
      maxConnectionAgeGraceMs: whole(
        "maxConnectionAgeGraceMs",
        options.maxConnectionAgeGraceMs ?? 0,
      ),
    },
    inferCompressionLevel,
    maxResponsePoolSize: whole(
      "maxResponsePoolSize",
      options.maxResponsePoolSize ?? 2147483647,
      { min: 1 },
    ),
    replyDelayMs: whole("replyDelayMs", options.replyDelayMs ?? 0),
    headerPattern: headerPattern(options.forwardHeaderPattern ?? ""),
    threads,
  };
}

function whole(
  name: string,
  value: number,
  { min = 0, max = 2147483647 }: { min?: number; max?: number } = {},
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`Cannot use ${name} ${value}: it is a whole number from ${min} to ${max}`);
}

function tlsOf(options: KServeGrpcOptions): TlsOptions | undefined {
  const { useSsl = false, useMutualAuth = false } = options;
  if (!useSsl && !useMutualAuth) return undefined;
  const reloadMs = whole("certificateReloadMs", options.certificateReloadMs ?? 0);
  const files = new CertificateFiles({
    serverCert: options.serverCert,
    serverKey: options.serverKey,
    rootCert: useMutualAuth ? options.rootCert : undefined,
  }, useMutualAuth);
  return { ...files.read(), reload: () => files.readIfChanged(), reloadMs };
}
