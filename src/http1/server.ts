/**
 * An HTTP/1.x server over sockets of our own: requests reach the handler as they were sent, and replies
 * leave as Triton's HTTP library would spell them.
 *
 * @module
 */
import type { Connection, ListenAddress, Listener, SocketShare } from "../net/connection.ts";
import { listenSockets } from "../net/sockets.ts";
import { Http1Connection, type Http1Owner } from "./connection.ts";
import type { HttpHandler, HttpReply } from "./message.ts";

/** After the cut, replies need a moment to reach their clients; clients that do not read get no more. */
const CLOSE_MS = 500;

/** A server that accepts connections. */
export class Http1Server implements Http1Owner {
  readonly handler: HttpHandler;
  readonly #connections = new Set<Http1Connection>();
  readonly #cutReply: HttpReply;
  #listener: Listener | undefined;
  #onIdle: (() => void) | undefined;

  /** A server that does not listen. `cutReply` is what requests are answered that outlive the grace of a stop. */
  constructor(handler: HttpHandler, cutReply: HttpReply) {
    this.handler = handler;
    this.#cutReply = cutReply;
  }

  /**
   * Listens, for connections that `share` gives to no other thread; else as the constructor.
   *
   * @throws {TritonError} UNAVAILABLE when the address is in use or cannot be listened on.
   */
  static async listen(
    address: ListenAddress,
    handler: HttpHandler,
    cutReply: HttpReply,
    share?: SocketShare,
  ): Promise<Http1Server> {
    const server = new Http1Server(handler, cutReply);
    server.#listener = await listenSockets(address, (each) => server.serve(each), share);
    return server;
  }

  /** Serves a connection. */
  serve(connection: Connection): Http1Connection {
    const http = new Http1Connection(connection, this);
    this.#connections.add(http);
    // One that was on its way when the stop began.
    if (this.isStopping) queueMicrotask(() => http.closeIfIdle());
    return http;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Whether replies close their connections. */
  get isStopping(): boolean {
    return this.#onIdle !== undefined;
  }

  /** A connection is gone. */
  closed(connection: Http1Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onIdle?.();
  }

  /**
   * Stops accepting connections, lets requests in flight finish for `graceMs` milliseconds, then cuts
   * them off. Resolves when the connections are closed. To be called once.
   */
  async stop(graceMs: number): Promise<void> {
    this.#listener?.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    if (this.#connections.size === 0) return;
    for (const connection of this.#connections) connection.closeIfIdle();
    let close: ReturnType<typeof setTimeout> | undefined;
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.cut(this.#cutReply);
      close = setTimeout(() => {
        for (const connection of this.#connections) connection.destroy();
      }, CLOSE_MS);
    }, graceMs);
    await promise;
    clearTimeout(cut);
    clearTimeout(close);
  }
}
