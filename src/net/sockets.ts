/**
 * Listens on TCP and Unix domain sockets, through the bridge.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { rmSync } from "node:fs";
import { isIP } from "node:net";
import { constants } from "node:os";
import { TritonError } from "../errors.ts";
import type { ConnectionHandler, ListenAddress, Listener, SocketShare } from "./connection.ts";
import { loadLoop, type Loop, SocketEvent, Watch, type Watched } from "./loop.ts";
import { plainHost, requireListenPermission } from "./permission.ts";
import { Socket } from "./socket.ts";

/** How long no connection is accepted after the system had no descriptor for one. */
const REFUSED_MS = 100;

/**
 * Listens, and calls `onConnection` for every connection that `share` gives to no other thread.
 *
 * @throws {TritonError} UNAVAILABLE when the address is in use, with Triton's text, or cannot be
 * listened on.
 * @throws {Deno.errors.NotCapable} when Deno was not allowed to.
 */
export async function listenSockets(
  address: ListenAddress,
  onConnection: ConnectionHandler,
  share?: SocketShare,
): Promise<Listener> {
  requireListenPermission(address);
  const loop = await loadLoop();
  if ("path" in address) {
    const { path } = address;
    if (!path.startsWith("/")) throw cannotListen(path, "the path of a socket must be absolute");
    const listener = open(loop, path, path, 0, false, { onConnection, share });
    return { port: 0, close: () => listener.close(path) };
  }
  const { hostname, port, reusePort = false } = address;
  const name = `${hostname}:${port}`;
  const host = await numericAddress(hostname).catch((error: Error) => {
    throw cannotListen(name, error.message);
  });
  return open(loop, name, host, port, reusePort, { onConnection, share });
}

/** Serves a connection that another thread has accepted and let go of. */
export type SocketAdopter = (
  socket: number,
  remoteAddress: string,
  onConnection: ConnectionHandler,
) => void;

/**
 * For a thread that does not listen. Whoever accepts a connection counts it at `index` of `counts`; here it is
 * taken off.
 */
export async function adoptSockets(
  counts: Int32Array<SharedArrayBuffer>,
  index: number,
): Promise<SocketAdopter> {
  const loop = await loadLoop();
  const closed = () => void Atomics.sub(counts, index, 1);
  return (socket, remoteAddress, onConnection) => {
    if (!loop.join(socket)) {
      closed();
      return loop.bridge.tts_net_close(socket);
    }
    const connection = new Socket(loop, socket, remoteAddress, closed);
    connection.attach(onConnection(connection));
  };
}

/** Who may take a connection. */
interface Takers {
  readonly onConnection: ConnectionHandler;
  readonly share: SocketShare | undefined;
}

function open(
  loop: Loop,
  name: string,
  host: string,
  port: number,
  reusePort: boolean,
  takers: Takers,
): SocketListener {
  const bound = new Uint32Array(1);
  const socket = loop.listen(host, port, reusePort, new Uint8Array(bound.buffer));
  if (socket === -constants.errno.EADDRINUSE) {
    throw new TritonError("UNAVAILABLE", `Socket '${name}' already in use `);
  }
  if (socket < 0) throw cannotListen(name, errnoName(-socket));
  return new SocketListener(loop, socket, bound[0], takers);
}

function cannotListen(name: string, why: string): TritonError {
  return new TritonError("UNAVAILABLE", `Cannot listen on '${name}': ${why}`);
}

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found === undefined ? `error ${errno}` : found[0];
}

/** The address of a host in numbers. */
async function numericAddress(hostname: string): Promise<string> {
  const plain = plainHost(hostname);
  return isIP(plain) === 0 ? (await lookup(plain)).address : plain;
}

class SocketListener implements Listener, Watched {
  readonly port: number;
  readonly #loop: Loop;
  readonly #socket: number;
  readonly #takers: Takers;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(loop: Loop, socket: number, port: number, takers: Takers) {
    this.#loop = loop;
    this.#socket = socket;
    this.port = port;
    this.#takers = takers;
    loop.add(socket, this);
  }

  onEvent(kind: number, socket: number, bytes: Uint8Array): void {
    if (kind === SocketEvent.ACCEPTED) {
      this.#accept(socket, remoteAddress(bytes));
    } else if (kind === SocketEvent.REFUSED) {
      this.#loop.watch(this.#socket, Watch.LISTENER);
      this.#pause ??= setTimeout(() => {
        this.#pause = undefined;
        this.#loop.watch(this.#socket, Watch.READ | Watch.LISTENER);
      }, REFUSED_MS);
    }
  }

  #accept(socket: number, remoteAddress: string): void {
    const { onConnection, share } = this.#takers;
    const take = share?.choose();
    if (take !== undefined) {
      this.#loop.leave(socket);
      return take(socket, remoteAddress);
    }
    let closed: (() => void) | undefined;
    if (share !== undefined) {
      Atomics.add(share.counts, 0, 1);
      closed = () => void Atomics.sub(share.counts, 0, 1);
    }
    const connection = new Socket(this.#loop, socket, remoteAddress, closed);
    connection.attach(onConnection(connection));
  }

  close(path?: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#loop.close(this.#socket);
    if (path !== undefined) rmSync(path, { force: true });
  }
}

/** The peer's port in 4 bytes and its address as text. */
function remoteAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return "";
  const host = new TextDecoder().decode(bytes.subarray(4));
  const port = bytes[0] | bytes[1] << 8;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
