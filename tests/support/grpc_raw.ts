/**
 * A gRPC client without a library: it sends the bytes it is given and shows what comes back, also where
 * a proper client would not let a test go wrong.
 *
 * @module
 */
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from "node:http2";
import { connect as connectSocket } from "node:net";
import { frameOf, FrameReader } from "../../src/grpc/framing.ts";

/** What to send. */
export interface RawRequest {
  /** `/service/Method` */
  readonly path: string;
  readonly messages?: readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Gives up after so many milliseconds, and tells the server so. */
  readonly deadline?: number;
  /** Bytes to send instead of the framed messages. */
  readonly body?: Uint8Array;
  /** Resolves when the client gives up. */
  readonly cancel?: Promise<void>;
}

/** What came back. */
export interface RawReply {
  /** The gRPC status; 4 after the deadline; -1 when the stream ended without one. */
  code: number;
  /** The status's message, decoded. */
  message: string;
  messages: Uint8Array[];
  /** The first header block. */
  headers: Record<string, unknown>;
  /** Whether that block was all there was. */
  trailersOnly: boolean;
}

/** A connection to one server. */
export class RawGrpcClient implements AsyncDisposable {
  readonly #session: ClientHttp2Session;

  /** To `place`, a port on this machine or the path of a socket; with `tls`, encrypted. */
  constructor(place: number | string, tls?: SecureClientSessionOptions) {
    const protocol = tls === undefined ? "http" : "https";
    this.#session = typeof place === "number"
      ? connect(`${protocol}://127.0.0.1:${place}`, tls)
      : connect("http://localhost", { createConnection: () => connectSocket(place) });
    this.#session.on("error", () => {});
  }

  /** Sends a request and waits for the end of the reply. */
  call(request: RawRequest): Promise<RawReply> {
    const { path, messages = [], deadline } = request;
    const reply: RawReply = {
      code: -1,
      message: "",
      messages: [],
      headers: {},
      trailersOnly: false,
    };
    if (this.#session.closed || this.#session.destroyed) return Promise.resolve(reply);
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(deadline === undefined ? {} : { "grpc-timeout": `${deadline}m` }),
      ...request.headers,
    });
    const reader = new FrameReader((message) => reply.messages.push(message));
    const takeStatus = (fields: Record<string, unknown>) => {
      if (fields["grpc-status"] === undefined) return;
      reply.code = Number(fields["grpc-status"]);
      reply.message = decodeURIComponent(String(fields["grpc-message"] ?? ""));
    };
    const timer = deadline === undefined ? undefined : setTimeout(() => {
      reply.code = 4;
      reply.message = "Deadline Exceeded";
      stream.close(8);
    }, deadline);
    return new Promise((resolve) => {
      stream.on("response", (fields) => {
        reply.headers = fields;
        reply.trailersOnly = fields["grpc-status"] !== undefined;
        takeStatus(fields);
      });
      stream.on("trailers", takeStatus);
      stream.on("data", (chunk: Uint8Array) => reader.push(chunk));
      stream.on("error", () => {});
      stream.on("close", () => {
        clearTimeout(timer);
        resolve(reply);
      });
      void request.cancel?.then(() => stream.close(8));
      if (request.body !== undefined) stream.write(request.body);
      for (const message of messages) stream.write(frameOf(message, false));
      stream.end();
    });
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      if (this.#session.closed || this.#session.destroyed) resolve();
      else this.#session.close(() => resolve());
    });
  }
}
