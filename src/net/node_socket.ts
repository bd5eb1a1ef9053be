/**
 * A connection over a socket of the runtime's `node:net` or `node:tls`.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Connection, ConnectionHandler, ConnectionReceiver } from "./connection.ts";

const NO_ROOM = new Uint8Array(0);

/** Hands `socket` to `onConnection`; `alpn` is what TLS agreed on. */
export function serveNodeSocket(
  socket: Socket,
  alpn: string | undefined,
  onConnection: ConnectionHandler,
): void {
  const connection = new NodeConnection(socket, alpn);
  connection.attach(onConnection(connection));
}

/** See the module. */
class NodeConnection implements Connection {
  readonly batch: Uint8Array = NO_ROOM;
  readonly remoteAddress: string;
  readonly alpn: string | undefined;
  readonly #socket: Socket;
  #receiver: ConnectionReceiver | undefined;
  #target: { bytes: Uint8Array; readonly onFull: () => void } | undefined;
  #unsent = 0;
  #isEnding = false;
  #isClosed = false;

  constructor(socket: Socket, alpn: string | undefined) {
    const { remoteAddress: host, remotePort } = socket;
    const isSix = host?.includes(":") ?? false;
    this.remoteAddress = host === undefined ? "" : `${isSix ? `[${host}]` : host}:${remotePort}`;
    this.alpn = alpn;
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#unsent;
  }

  attach(receiver: ConnectionReceiver): void {
    this.#receiver = receiver;
    const socket = this.#socket;
    socket.setNoDelay?.(true);
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.on("end", () => {
      if (!this.#isEnding && !this.#isClosed) receiver.ended();
    });
    // A failure closes the socket in any case.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isClosed = true;
      receiver.closed();
    });
  }

  reserve(): number {
    return -1;
  }

  write(bytes: Uint8Array, onSent?: () => void): void {
    if (this.#isClosed || this.#isEnding || bytes.length === 0) {
      if (onSent !== undefined) queueMicrotask(onSent);
      return;
    }
    this.#unsent += bytes.length;
    this.#socket.write(bytes, () => {
      this.#unsent -= bytes.length;
      onSent?.();
      if (this.#unsent === 0 && !this.#isClosed && !this.#isEnding) this.#receiver?.drained();
    });
  }

  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  readInto(target: Uint8Array, onFull: () => void): void {
    this.#target = { bytes: target, onFull };
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.end();
    // What still comes is thrown away; otherwise the end of the peer would not be seen.
    this.#socket.resume();
  }

  destroy(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #take(bytes: Uint8Array): void {
    let rest = bytes;
    while (this.#target !== undefined && rest.length > 0 && !this.#isEnding && !this.#isClosed) {
      const { bytes: target, onFull } = this.#target;
      const size = Math.min(target.length, rest.length);
      target.set(rest.subarray(0, size));
      rest = rest.subarray(size);
      if (size < target.length) {
        this.#target.bytes = target.subarray(size);
      } else {
        this.#target = undefined;
        onFull();
      }
    }
    if (rest.length > 0 && !this.#isEnding && !this.#isClosed) this.#receiver?.data(rest);
  }
}
