/**
 * The transport over `node:http2`, which Deno and Bun both have.
 *
 * @module
 */
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { FORGETS_TO_SEND } from "../runtime/http2.ts";
import { guardSession } from "./session_guard.ts";
import {
  COPIED_SIZE,
  type Fields,
  type GrpcStream,
  socketPath,
  type StreamHandler,
  type StreamReceiver,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

/** Bytes that a client may send on a stream before the call has taken any of them. */
const STREAM_WINDOW = 4 << 20;

/**
 * Megabytes that a connection may hold before its streams are reset. The runtime's default is 10, less
 * than one message; here the flow-control windows and the pausing of streams keep the bounds.
 */
const SESSION_MEMORY = 1 << 20;

/** A server of `node:http2` that hands each stream to `onStream`. */
export function nodeTransport(options: TransportOptions, onStream: StreamHandler): Transport {
  const shared = {
    settings: { initialWindowSize: STREAM_WINDOW },
    maxSessionMemory: SESSION_MEMORY,
  };
  const { tls } = options;
  const server = tls === undefined ? createServer(shared) : createSecureServer({
    ...shared,
    cert: tls.cert,
    key: tls.key,
    ca: tls.clientAuthorities,
    requestCert: tls.clientAuthorities !== undefined,
    rejectUnauthorized: tls.clientAuthorities !== undefined,
  });
  return new NodeTransport(server, options, onStream);
}

class NodeTransport implements Transport {
  readonly #server: Http2Server | Http2SecureServer;
  readonly #options: TransportOptions;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();

  constructor(
    server: Http2Server | Http2SecureServer,
    options: TransportOptions,
    onStream: StreamHandler,
  ) {
    this.#server = server;
    this.#options = options;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("error", ignore);
      session.on("close", () => this.#sessions.delete(session));
      guardSession(session, options);
    });
    // The declared type of the event leaves out the fourth argument, the fields as they came.
    const handle = (
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      _flags: number,
      fields: string[],
    ) => attach(stream, headers, fields, onStream);
    server.on(
      "stream",
      handle as (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
    );
    server.on("sessionError", ignore);
    server.on("tlsClientError", ignore);
  }

  listen(): Promise<number> {
    const { address, port, reusePort } = this.#options;
    const path = socketPath(address);
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      const where = path === undefined ? { host: address, port, reusePort } : { path };
      this.#server.listen(where, () => {
        this.#server.off("error", reject);
        resolve(path === undefined ? (this.#server.address() as AddressInfo).port : 0);
      });
    });
  }

  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const session of this.#sessions) session.close();
    });
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    // Those that never became a session too: a client that stays silent must not hold the server up.
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** When a write that is not done is first followed by a ping, and the longest time between two. */
const REMIND_MS = 100;
const MAX_REMIND_MS = 5000;

/** Failures end a stream or session in any case, which is reported by its "close". */
function ignore(): void {}

/** Connects a stream's events to what the handler returns for it. */
function attach(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  fields: string[],
  onStream: StreamHandler,
): void {
  const adapter = new NodeStream(stream, headers, fields);
  const receiver: StreamReceiver = onStream(adapter);
  stream.on("data", (chunk: Uint8Array) => receiver.data(chunk));
  stream.on("end", () => receiver.end());
  stream.on("drain", () => receiver.drained());
  stream.on("error", ignore);
  stream.on("close", () => {
    if (!adapter.ended) receiver.aborted();
  });
}

class NodeStream implements GrpcStream {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly #stream: ServerHttp2Stream;
  #ended = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, fields: string[]) {
    this.#stream = stream;
    this.headers = fields;
    this.method = String(headers[":method"]);
    this.path = String(headers[":path"]);
  }

  /** Whether the response is complete. */
  get ended(): boolean {
    return this.#ended;
  }

  respond(fields: Fields, end: boolean): void {
    if (this.#gone) return;
    this.#ended = end;
    this.#stream.respond(fields, end ? { endStream: true } : { waitForTrailers: true });
  }

  write(chunk: Uint8Array, onTaken?: () => void): boolean {
    if (this.#gone) {
      onTaken?.();
      return true;
    }
    let reminder: { stop(): void } | undefined;
    const isCopied = chunk.length <= COPIED_SIZE;
    const taken = this.#stream.write(isCopied ? chunk.slice() : chunk, () => {
      reminder?.stop();
      if (!isCopied) onTaken?.();
    });
    if (isCopied) onTaken?.();
    if (!taken && FORGETS_TO_SEND) reminder = this.#remind(REMIND_MS);
    return taken;
  }

  trailers(fields: Fields): void {
    if (this.#gone) return;
    this.#ended = true;
    this.#stream.once("wantTrailers", () => {
      if (!this.#gone) this.#stream.sendTrailers(fields);
    });
    this.#stream.end();
  }

  reset(code: number): void {
    this.#ended = true;
    if (!this.#gone) this.#stream.close(code);
  }

  pause(paused: boolean): void {
    if (paused) this.#stream.pause();
    else this.#stream.resume();
  }

  /** Pings the client, less and less often, for as long as a write is not done. */
  #remind(delay: number): { stop(): void } {
    const stream = this.#stream;
    const again = () => {
      if (stream.destroyed) return;
      stream.session?.ping(ignore);
      delay = Math.min(delay * 2, MAX_REMIND_MS);
      timer = setTimeout(again, delay);
    };
    let timer = setTimeout(again, delay);
    return { stop: () => clearTimeout(timer) };
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }
}
