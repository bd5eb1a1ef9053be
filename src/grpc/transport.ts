/**
 * The seam between gRPC and HTTP/2: what the calls need of a stream, and of the server that accepts
 * streams. `transport_node.ts` implements it over `node:http2`.
 *
 * @module
 */

/** What the gRPC layer is told about a stream. Nothing is called after `aborted()`. */
export interface StreamReceiver {
  /** Bytes of the request, which stay the receiver's. */
  data(chunk: Uint8Array): void;
  /** The client has sent everything. */
  end(): void;
  /** The stream ended before both sides had finished: cancelled, reset, or its connection is gone. */
  aborted(): void;
  /** The stream takes data again after `write()` returned false. */
  drained(): void;
}

/** Header or trailer fields by lower-case name. */
export type Fields = Readonly<Record<string, string>>;

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
  /** Sends bytes, which must not change afterwards. False asks to wait for `drained()`. */
  write(chunk: Uint8Array): boolean;
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
  /** The IP address or host name to listen on. */
  readonly address: string;
  /** The TCP port; 0 takes a free one. */
  readonly port: number;
  /** Certificate, key and authority in PEM; absent for plain text. */
  readonly tls?: TransportTls;
  /** Milliseconds without a sign of life after which a connection is pinged. */
  readonly keepaliveTimeMs: number;
  /** Milliseconds that a ping may stay unanswered before its connection is cut. */
  readonly keepaliveTimeoutMs: number;
  /** Whether connections without a call are pinged too. */
  readonly keepalivePermitWithoutCalls: boolean;
  /** Milliseconds after which a connection is asked to go; 0 for never. */
  readonly maxConnectionAgeMs: number;
  /** Milliseconds that a connection asked to go may still use; 0 for as long as it needs. */
  readonly maxConnectionAgeGraceMs: number;
}

/** The TLS side of a transport. */
export interface TransportTls {
  /** The server's certificate chain in PEM. */
  readonly cert: string;
  /** The key of the certificate in PEM. */
  readonly key: string;
  /** The authorities in PEM that client certificates must come from; absent to ask for none. */
  readonly clientAuthorities?: string;
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
