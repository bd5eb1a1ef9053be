/**
 * The seam between protocols and sockets: one connection, as a protocol sees it, and the listener that
 * accepts connections. `sockets.ts` implements it for plain TCP and Unix domain sockets, `tls.ts` for TLS.
 *
 * @module
 */
import type { Settled } from "../settled.ts";

/** What a protocol is told about its connection. Nothing is called after {@link closed}. */
export interface ConnectionReceiver {
  /**
   * Bytes that came, at least one. They are only valid during the call: keep a copy of what is needed
   * later. Not called while the connection is paused.
   */
  data(bytes: Uint8Array): Settled;
  /** The peer has sent everything (FIN). The connection can still be written to. */
  ended(): void;
  /** What was written has all gone out. */
  drained(): void;
  /** The connection is gone: closed by either side, reset, or failed. */
  closed(): void;
}

/** One accepted connection. Its methods never throw, and do nothing once it is closed. */
export interface Connection {
  /** The peer's address, for example `127.0.0.1:51234`; empty on a Unix domain socket. */
  readonly remoteAddress: string;
  /** The protocol that TLS agreed on (`h2`), or undefined. */
  readonly alpn: string | undefined;
  /** How many of the bytes written have not gone out yet. */
  readonly unsent: number;
  /** Where {@link reserve} has room. */
  readonly batch: Uint8Array;
  /**
   * Room for `size` bytes in {@link batch}, from the returned offset on, which must be filled at once and
   * go out behind what was written before. -1 when there is none: then `write()` serves.
   */
  reserve(size: number): number;
  /**
   * Sends bytes. They go out at the end of the turn, together with others; they are not copied, so they
   * must stay unchanged until `onSent`, when it is given, or for ever. `onSent` is called once, when the
   * bytes have gone out or never will; it must not throw.
   */
  write(bytes: Uint8Array, onSent?: () => void): void;
  /** Stops or continues reading. While it is paused the peer is held back, and its end is not seen. */
  pause(paused: boolean): void;
  /**
   * Reads the next bytes straight into `target`, without `data()`; `onFull` is called when it is full,
   * and `data()` gets what follows. Only one target at a time.
   */
  readInto(target: Uint8Array, onFull: () => void): void;
  /** Sends what was written, then closes. Nothing is received any more. */
  end(): void;
  /** Closes at once; what was not sent is lost. */
  destroy(): void;
}

/** Called for every accepted connection, before any of its bytes are read. */
export type ConnectionHandler = (connection: Connection) => ConnectionReceiver;

/** Takes a socket that was accepted on another thread, which has let go of it. */
export type SocketTaker = (socket: number, remoteAddress: string) => void;

/** The threads that share the connections of a listener. */
export interface SocketShare {
  /** How many connections each has; those of the listener's thread first. */
  readonly counts: Int32Array<SharedArrayBuffer>;
  /** The thread that gets the next connection; undefined for the listener's. */
  choose(): SocketTaker | undefined;
}

/** Where to listen. */
export type ListenAddress =
  /** A host name, IPv4 or IPv6 address, and a TCP port (0 lets the system choose). */
  | { readonly hostname: string; readonly port: number; readonly reusePort?: boolean }
  /** A Unix domain socket at this path; a stale socket file there is replaced. */
  | { readonly path: string };

/** A listener that accepts connections. */
export interface Listener {
  /** The port that it listens on; 0 for a Unix domain socket. */
  readonly port: number;
  /** Stops accepting. The connections that it accepted go on. Idempotent. */
  close(): void;
}
