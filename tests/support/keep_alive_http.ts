/**
 * An HTTP connection that stays open between its requests, also where `fetch` would open another one.
 *
 * @module
 */
import { connect, type Socket } from "node:net";

/** An answer; status 0 when the connection was closed instead. */
export interface KeepAliveAnswer {
  readonly status: number;
  readonly body: string;
}

/** One connection. */
export class KeepAliveHttp {
  readonly #socket: Socket;
  #received = "";
  #closed = false;
  #wake: (() => void) | undefined;

  /** Connects to `port` of this machine. */
  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text: string) => {
      this.#received += text;
      this.#wake?.();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Sends a request and waits for its answer. One at a time. */
  async post(path: string, body: string): Promise<KeepAliveAnswer> {
    if (!this.#closed) {
      const size = new TextEncoder().encode(body).length;
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n${body}`,
      );
    }
    for (;;) {
      const answer = this.#takeAnswer();
      if (answer) return answer;
      if (this.#closed) return { status: 0, body: "" };
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#socket.destroy();
  }

  #takeAnswer(): KeepAliveAnswer | undefined {
    const head = this.#received.indexOf("\r\n\r\n") + 4;
    const length = Number(/content-length: *(\d+)/i.exec(this.#received)?.[1] ?? 0);
    if (head < 4 || this.#received.length < head + length) return undefined;
    const status = Number(this.#received.split(" ")[1]);
    const body = this.#received.slice(head, head + length);
    this.#received = this.#received.slice(head + length);
    return { status, body };
  }
}
