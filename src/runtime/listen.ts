/**
 * An HTTP/1.1 listener on Deno or Bun, behind one face.
 *
 * @module
 */
import { TritonError } from "../errors.ts";

/** Answers a request. Must not throw or reject. */
export type HttpHandler = (request: Request) => Response | Promise<Response>;

/** Where and how to listen. */
export interface ListenOptions {
  /** The address to listen on: a name, IPv4, or IPv6 with or without brackets. */
  readonly hostname: string;
  /** The port, from 0 to 65535; 0 lets the system choose. */
  readonly port: number;
  /** Whether several processes may listen on the port and share its connections. */
  readonly reusePort: boolean;
  /** What answers the requests. */
  readonly handler: HttpHandler;
}

/** A listener that accepts connections. */
export interface HttpListener {
  /** The address as it was given. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Aborted when requests have outlived the grace of {@link stop} and are cut off. */
  readonly cut: AbortSignal;
  /**
   * Stops accepting connections, lets requests in flight finish for `graceMs` milliseconds, then
   * answers 503 in their place. Resolves when the connections are closed; later calls wait for the
   * first.
   */
  stop(graceMs: number): Promise<void>;
}

/** A running server of either runtime. */
interface Runner {
  readonly port: number;
  /** Stops accepting and resolves when the connections are closed. */
  drain(): Promise<void>;
  /** Closes the connections that are left, where the runtime can. */
  close(): Promise<void>;
}

/** After the cut, answers need a moment to reach their clients; clients that do not read get no more. */
const CLOSE_MS = 500;

/**
 * Listens for HTTP requests.
 *
 * No limit is put on bodies or on idle time, because Triton has none.
 *
 * @throws {TritonError} UNAVAILABLE when the address is in use, with Triton's text, or cannot be
 * listened on.
 */
export function listenHttp(options: ListenOptions): HttpListener {
  const cut = new AbortController();
  const inFlight = new Set<() => void>();
  const handler: HttpHandler = (request) => {
    const response = options.handler(request);
    return response instanceof Response ? response : new Promise((resolve) => {
      const cutOff = () => resolve(cutOffResponse());
      inFlight.add(cutOff);
      response.then((answer) => {
        inFlight.delete(cutOff);
        resolve(answer);
      });
    });
  };
  const runner = run({ ...options, hostname: plainHostname(options.hostname), handler });
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const drained = runner.drain();
    if (await within(drained, graceMs)) return;
    cut.abort();
    for (const cutOff of inFlight) cutOff();
    if (await within(drained, CLOSE_MS)) return;
    await runner.close();
  };
  return {
    hostname: options.hostname,
    port: runner.port,
    cut: cut.signal,
    stop: (graceMs: number) => stopped ??= stop(graceMs),
  };
}

/** Whether `promise` resolves within `milliseconds`. */
async function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const result = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return result;
}

function cutOffResponse(): Response {
  return new Response('{"error":"HTTP server is stopping."}', {
    status: 503,
    headers: { "content-type": "text/plain" },
  });
}

/** `hostname` without libevhtp's family prefix (`ipv6:`) and without the brackets of IPv6. */
function plainHostname(hostname: string): string {
  return hostname.replace(/^ipv[46]:/, "").replace(/^\[(.*)\]$/, "$1");
}

function run(options: ListenOptions): Runner {
  try {
    return "Bun" in globalThis ? runOnBun(options) : runOnDeno(options);
  } catch (reason) {
    const { code, name, message } = reason as NodeJS.ErrnoException;
    const address = `${options.hostname}:${options.port}`;
    const text = code === "EADDRINUSE" || name === "AddrInUse"
      ? `Socket '${address}' already in use `
      : `Cannot listen on '${address}': ${message}`;
    throw new TritonError("UNAVAILABLE", text, { cause: reason });
  }
}

function runOnDeno({ hostname, port, reusePort, handler }: ListenOptions): Runner {
  const server = Deno.serve({ hostname, port, reusePort, onListen() {} }, handler);
  return {
    port: server.addr.port,
    drain: () => server.shutdown(),
    // A server that is draining cannot be closed any more: leave it to end with its clients.
    close: () => Promise.resolve(server.unref()),
  };
}

function runOnBun({ hostname, port, reusePort, handler }: ListenOptions): Runner {
  const server = Bun.serve({
    hostname,
    port,
    reusePort,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch: handler,
  });
  return {
    port: server.port ?? port,
    drain: () => server.stop(false),
    close: () => server.stop(true),
  };
}
