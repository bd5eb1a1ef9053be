/**
 * The life of an HTTP front end: where it listens, starting, stopping, and its tie to the engine. The
 * front ends differ in their apps and texts, which they give to this class.
 *
 * @module
 */
import type { Engine, Frontend } from "./engine.ts";
import { TritonError } from "./errors.ts";
import type { HttpHandler, HttpReply } from "./http1/message.ts";
import { Http1Server } from "./http1/server.ts";
import type { ForwardHandler, FrontendSpec, ThreadGroup } from "./threads/threads.ts";

/** How long a stop lets requests in flight finish, unless it is told otherwise. */
export const DEFAULT_GRACE_MS = 2000;

/** How a front end stops. */
export interface StopOptions {
  /** For how many milliseconds requests in flight may go on before they are cut off. Default: 2000. */
  readonly graceMs?: number;
}

/**
 * The app of a front end: a Hono app, as far as the types of this package say it. Mount it in one of
 * your own with `app.mount("/path", frontend.app.fetch)`.
 */
export interface HttpApp {
  /** Answers a request, without any network. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** What an {@link HttpService} serves, and where. */
export interface HttpServiceOptions {
  /** What the server is called in error texts: `HTTP`, `Metrics`. */
  readonly name: string;
  /** The address to listen on. */
  readonly address: string;
  /** The port to listen on; 0 lets the system choose. */
  readonly port: number;
  /** Whether several processes may listen on the port. */
  readonly reusePort: boolean;
  /** What answers the requests. */
  readonly handler: HttpHandler;
  /** What serves besides the main thread. Default: nothing. */
  readonly threads?: ThreadOptions;
}

/** The threads of a front end besides the main one. */
export interface ThreadOptions {
  /** How many; 0 for none. */
  readonly count: number;
  /** What they serve. */
  readonly spec: FrontendSpec;
  /** Answers what they forward. */
  readonly answer: ForwardHandler;
}

/**
 * Starts the threads of a front end; undefined for none.
 *
 * @throws {TritonError} UNSUPPORTED when the engine has no threads.
 */
export async function openThreads(
  engine: Engine,
  options: ThreadOptions | undefined,
): Promise<ThreadGroup | undefined> {
  if (options === undefined || options.count === 0) return undefined;
  const { count, spec, answer } = options;
  if (engine.threads === undefined) {
    throw new TritonError(
      "UNSUPPORTED",
      `Cannot serve with ${count + 1} threads: the engine has no threads of its own; use 1`,
    );
  }
  return await engine.threads.open(count, spec, answer);
}

/** A listener that starts and stops with a front end. */
export class HttpService {
  readonly #engine: Engine;
  readonly #options: HttpServiceOptions;
  #server: Http1Server | undefined;
  #threads: ThreadGroup | undefined;
  #starting: Promise<Http1Server> | undefined;
  #port: number;
  #stopped: Promise<void> | undefined;

  /**
   * A service that does not listen yet.
   *
   * @throws {RangeError} when the port is no integer from 0 to 65535.
   */
  constructor(engine: Engine, options: HttpServiceOptions) {
    const { port } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new RangeError(`Cannot listen on port ${port}: it must be an integer from 0 to 65535`);
    }
    this.#engine = engine;
    this.#options = options;
    this.#port = port;
  }

  /** The port it listens on; before the start, the one it was given. */
  get port(): number {
    return this.#port;
  }

  /** The address and port, for example `127.0.0.1:8000`. */
  get address(): string {
    return `${this.#options.address}:${this.#port}`;
  }

  /**
   * Listens.
   *
   * @throws {TritonError} ALREADY_EXISTS when it does already; UNAVAILABLE when the engine does not run
   * or the port is taken.
   */
  async start(frontend: Frontend): Promise<void> {
    const { name } = this.#options;
    if (this.isRunning) {
      throw new TritonError("ALREADY_EXISTS", `${name} server is already running.`);
    }
    this.#engine.attach(frontend);
    try {
      this.#starting = this.#listen();
      this.#server = await this.#starting;
    } catch (reason) {
      this.#engine.detach(frontend);
      throw reason;
    } finally {
      this.#starting = undefined;
    }
    this.#port = this.#server.port;
  }

  async #listen(): Promise<Http1Server> {
    const { address, port, reusePort, handler, threads } = this.#options;
    const listen = { hostname: address, port, reusePort };
    const group = await openThreads(this.#engine, threads);
    try {
      const server = await Http1Server.listen(listen, handler, CUT_REPLY, group);
      this.#threads = group;
      return server;
    } catch (reason) {
      await group?.stop(0);
      throw reason;
    }
  }

  /** Whether it listens, or is about to. */
  get isRunning(): boolean {
    return this.#server !== undefined || this.#starting !== undefined;
  }

  /**
   * Stops listening. A start or stop that is under way is waited for.
   *
   * @throws {TritonError} UNAVAILABLE when it does not listen.
   */
  async stop(frontend: Frontend, options: StopOptions = {}): Promise<void> {
    const server = this.#server ?? await this.#starting?.catch(() => undefined);
    if (server === undefined) {
      throw new TritonError("UNAVAILABLE", `${this.#options.name} server is not running.`);
    }
    const { graceMs = DEFAULT_GRACE_MS } = options;
    this.#stopped ??= this.#stop(server, frontend, graceMs);
    await this.#stopped;
  }

  async #stop(server: Http1Server, frontend: Frontend, graceMs: number): Promise<void> {
    await Promise.all([server.stop(graceMs), this.#threads?.stop(graceMs)]);
    this.#server = undefined;
    this.#threads = undefined;
    this.#stopped = undefined;
    this.#engine.detach(frontend);
  }
}

/** What requests are answered that outlive the grace of a stop. */
export const CUT_REPLY: HttpReply = {
  status: 503,
  fields: [["Content-Type", "text/plain"]],
  body: new TextEncoder().encode('{"error":"HTTP server is stopping."}'),
};
