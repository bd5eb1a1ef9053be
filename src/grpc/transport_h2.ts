/**
 * The transport over this package's own HTTP/2: plain sockets, or TLS of the runtime.
 *
 * @module
 */
import type { Connection, ListenAddress, Listener, SocketShare } from "../net/connection.ts";
import { listenSockets } from "../net/sockets.ts";
import { listenTls } from "../net/tls.ts";
import { H2Connection } from "./h2/connection.ts";
import {
  socketPath,
  type StreamHandler,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

/** A server that hands each stream to a function. */
export class H2Transport implements Transport {
  readonly #options: TransportOptions;
  readonly #onStream: StreamHandler;
  readonly #connections = new Set<H2Connection>();
  #listener: Listener | undefined;
  #draining = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: TransportOptions, onStream: StreamHandler) {
    this.#options = options;
    this.#onStream = onStream;
  }

  /** Whether connections are of TLS, which is the runtime's and stays on its thread. */
  get isSecure(): boolean {
    return this.#options.tls !== undefined;
  }

  /** See {@link Transport.listen}; for connections that `share` gives to no other thread. */
  async listen(share?: SocketShare): Promise<number> {
    const { address, port, reusePort, tls } = this.#options;
    const path = socketPath(address);
    const where: ListenAddress = path === undefined
      ? { hostname: address, port, reusePort }
      : { path };
    const serve = (connection: Connection) => this.serve(connection);
    this.#listener = tls === undefined
      ? await listenSockets(where, serve, share)
      : await listenTls(where, tls, serve);
    return this.#listener.port;
  }

  drain(): Promise<void> {
    this.#draining = true;
    this.#listener?.close();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      for (const connection of [...this.#connections]) connection.drain();
      if (this.#connections.size === 0) resolve();
    });
  }

  close(): void {
    this.#listener?.close();
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /** Serves a connection. */
  serve(connection: Connection): H2Connection {
    const h2: H2Connection = new H2Connection(connection, this.#options, this.#onStream, () => {
      this.#connections.delete(h2);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
    this.#connections.add(h2);
    // One that was on its way when the drain began.
    if (this.#draining) queueMicrotask(() => h2.drain());
    return h2;
  }
}
