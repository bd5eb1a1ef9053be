/**
 * The seam between gRPC and HTTP/2: what the calls need of a stream, and of the server that accepts
 * streams. `transport_h2.ts` implements it with `h2/`, `transport_node.ts` over `node:http2`.
 *
 * @module
 */
import type { TlsOptions } from "../net/tls.ts";

/** What the gRPC layer is told about a stream. Nothing is called after `aborted()`. */
export interface StreamReceiver {
  /** Bytes of the request, which are only valid during the call. */
  data(chunk: Uint8Array): void;
  /** The client has sent everything. */
  end(): void;
  /** The stream ended before both sides had finished: cancelled, reset, or its connection is gone. */
  aborted(): void;
  /** The stream takes data again after `write()` returned false. */
  drained(): void;
}

/** Header or trailer fields by lower-case name. They must not change once they were sent. */
export type Fields = Readonly<Record<string, string>>;

/** See {@link GrpcStream.write}. */
export const COPIED_SIZE: number = 16 << 10;

/** One HTTP/2 stream, seen from the server. */
export interface GrpcStream {
  /** The `:method` pseudo-header. */
  readonly method: string;
  /** The `:path` pseudo-header. */
  readonly path: string;
  /** Names (lower case) and values in turn, in the order in which they came; names may repeat. */
  readonly headers: readonly string[];
  /** Sends the header block of the response; with `end` it is all there is. */
  respond(fields: Fields, end: boolean): void;
  /**
   * Sends bytes. Up to {@link COPIED_SIZE} of them are copied if they have to wait; more must not change
   * until `onTaken`, which is called once, when they are not needed any more. False asks to wait for
   * `drained()`.
   */
  write(chunk: Uint8Array, onTaken?: () => void): boolean;
  /** Sends the trailers after everything written before, and ends the response. */
  trailers(fields: Fields): void;
  /** Ends the stream at once with an HTTP/2 error code. */
  reset(code: number): void;
  /** Stops, or continues, taking in data; the client is held back by flow control. */
  pause(paused: boolean): void;
}

/** What is called for each new stream. */
export type StreamHandler = (stream: GrpcStream) => StreamReceiver;

/** Where a transport listens, and how it treats connections. */
export interface TransportOptions {
  /** The IP address or host name to listen on, or `unix:` and the path of a socket. */
  readonly address: string;
  /** The TCP port; 0 takes a free one. */
  readonly port: number;
  /** Whether several servers may listen on the same port. */
  readonly reusePort: boolean;
  /** Certificate, key and authority in PEM; absent for plain text. */
  readonly tls?: TlsOptions;
  /** Milliseconds without a sign of life after which a connection is pinged. */
  readonly keepaliveTimeMs: number;
  /** Milliseconds that a ping may stay unanswered before its connection is cut. */
  readonly keepaliveTimeoutMs: number;
  /** Whether connections without a call are pinged too. */
  readonly keepalivePermitWithoutCalls: boolean;
  /** How many of our pings may follow each other without headers or data; 0 for any number. */
  readonly http2MaxPingsWithoutData: number;
  /** Milliseconds that a client must leave between its pings when we send nothing. */
  readonly http2MinRecvPingIntervalWithoutDataMs: number;
  /** How many pings may come too early before their connection is ended; 0 for any number. */
  readonly http2MaxPingStrikes: number;
  /** Milliseconds after which a connection is asked to go; 0 for never. */
  readonly maxConnectionAgeMs: number;
  /** Milliseconds that a connection asked to go may still use; 0 for as long as it needs. */
  readonly maxConnectionAgeGraceMs: number;
}

/** The path of the Unix domain socket that `address` names, or undefined. */
export function socketPath(address: string): string | undefined {
  return address.startsWith("unix:") ? address.slice("unix:".length) : undefined;
}

/** A server for HTTP/2 streams. */
export interface Transport {
  /** Begins to listen; resolves to the port. Rejects with the system's error (`code` EADDRINUSE ...). */
  listen(): Promise<number>;
  /**
   * Stops listening, tells all clients to open no more streams, and resolves when the open ones have
   * ended.
   */
  drain(): Promise<void>;
  /** Cuts all connections. */
  close(): void;
}
