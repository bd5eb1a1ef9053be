/**
 * An HTTP connection that stays open and only counts the bytes of answers: so that a thousand of them, or
 * an answer of many megabytes, cost little here.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import { joined } from "./bodies.ts";

/** A request, to the byte. */
export function httpRequest(
  target: string,
  { headers = {}, body }: { headers?: Readonly<Record<string, string>>; body?: Uint8Array } = {},
): Uint8Array {
  const all = { Host: "localhost", ...headers, ...(body && { "Content-Length": body.length }) };
  const lines = [
    `${body === undefined ? "GET" : "POST"} ${target} HTTP/1.1`,
    ...Object.entries(all).map(([name, value]) => `${name}: ${value}`),
  ];
  const head = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  return body === undefined ? head : joined(head, body);
}

/** See the module. */
export class HttpConnection {
  readonly #socket: Socket;
  #head = "";
  /** The bytes of the answer that have not come yet; undefined while its head has not. */
  #missing: number | undefined;
  #resolve: () => void = () => {};
  #reject: (reason: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.on("close", () => this.#reject(new Error("the server closed the connection")));
  }

  /** Connects to `port` of this machine. */
  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new HttpConnection(socket)));
    });
  }

  /** Sends a request and waits for all of its answer, which must have status 200 and a length. */
  ask(request: Uint8Array): Promise<void> {
    this.#head = "";
    this.#missing = undefined;
    this.#socket.write(request);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends a request and does not read what comes. */
  askAndNotRead(request: Uint8Array): void {
    this.#socket.pause();
    this.#socket.write(request);
  }

  /** Goes away; what is not answered yet stays so. */
  close(): void {
    this.#reject = () => {};
    this.#socket.destroy();
  }

  #take(bytes: Uint8Array): void {
    if (this.#missing === undefined) {
      this.#head += new TextDecoder("latin1").decode(bytes);
      const end = this.#head.indexOf("\r\n\r\n") + 4;
      if (end < 4) return;
      const [, length] = /^HTTP\/1.1 200 .*^content-length: *(\d+)/ims.exec(this.#head) ?? [];
      if (length === undefined) return this.#reject(new Error(`not expected: ${this.#head}`));
      this.#missing = Number(length) - (this.#head.length - end);
    } else {
      this.#missing -= bytes.length;
    }
    if (this.#missing === 0) this.#resolve();
  }
}
