/**
 * Listens for TLS connections, with the TLS of the runtime.
 *
 * @module
 */
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { ConnectionHandler, ListenAddress, Listener } from "./connection.ts";
import { serveNodeSocket } from "./node_socket.ts";

/** Certificates in PEM. */
export interface Certificates {
  /** The server's certificate chain. */
  readonly cert: string;
  /** The key of the certificate. */
  readonly key: string;
  /** The authorities that client certificates must come from; absent to ask for none. */
  readonly clientAuthorities?: string;
}

/** Certificates, and where newer ones come from. */
export interface TlsOptions extends Certificates {
  /** The certificates as they are now; undefined when they have not changed, or cannot be read. */
  reload?(): Certificates | undefined;
  /** Milliseconds between two calls of `reload()`. Default 0: none. */
  readonly reloadMs?: number;
}

/** Milliseconds that a client has for the handshake. */
const HANDSHAKE_MS = 10_000;

/**
 * Listens, and calls `onConnection` for every connection whose handshake is done. Only HTTP/2 is agreed
 * on. Rejects with the system's error.
 */
export function listenTls(
  address: ListenAddress,
  options: TlsOptions,
  onConnection: ConnectionHandler,
): Promise<Listener> {
  const server = createServer({
    ...context(options),
    requestCert: options.clientAuthorities !== undefined,
    rejectUnauthorized: options.clientAuthorities !== undefined,
    ALPNProtocols: ["h2"],
    allowHalfOpen: true,
  });
  const listener = new TlsListener(server, options, onConnection);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const where = "path" in address
      ? { path: address.path }
      : { host: address.hostname, port: address.port, reusePort: address.reusePort };
    server.listen(where, () => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve(listener);
    });
  });
}

function context({ cert, key, clientAuthorities }: Certificates) {
  return { cert, key, ca: clientAuthorities };
}

class TlsListener implements Listener {
  readonly #server: Server;
  /** Sockets whose handshake is not done, by their peer's address. */
  readonly #shaking = new Map<string, Socket>();
  #reloads: ReturnType<typeof setInterval> | undefined;

  constructor(server: Server, options: TlsOptions, onConnection: ConnectionHandler) {
    this.#server = server;
    server.on("connection", (socket: Socket) => this.#limitHandshake(socket));
    server.on("secureConnection", (socket: TLSSocket) => {
      this.#shaking.delete(peerOf(socket));
      serveNodeSocket(socket, socket.alpnProtocol || undefined, onConnection);
    });
    server.on("tlsClientError", () => {});
    if (options.reload === undefined || !options.reloadMs) return;
    this.#reloads = setInterval(() => {
      const changed = options.reload?.();
      // Only for handshakes from now on.
      if (changed !== undefined) server.setSecureContext(context(changed));
    }, options.reloadMs);
  }

  get port(): number {
    const address = this.#server.address() as AddressInfo | string | null;
    return typeof address === "object" ? address?.port ?? 0 : 0;
  }

  close(): void {
    clearInterval(this.#reloads);
    this.#server.close();
    for (const socket of this.#shaking.values()) socket.destroy();
  }

  #limitHandshake(socket: Socket): void {
    const peer = peerOf(socket);
    this.#shaking.set(peer, socket);
    const limit = setTimeout(() => {
      if (this.#shaking.get(peer) === socket) socket.destroy();
    }, HANDSHAKE_MS);
    socket.on("close", () => {
      clearTimeout(limit);
      if (this.#shaking.get(peer) === socket) this.#shaking.delete(peer);
    });
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
