/**
 * The metrics front end: Prometheus text of the process's metrics.
 *
 * @module
 */
import { Hono } from "hono";
import type { Engine, Frontend } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { type HttpApp, HttpService, type StopOptions } from "../frontend.ts";
import { errorBody } from "../kserve/error_body.ts";

/** Options of {@link Metrics}; in brackets the flag of `tritonserver` that each stands for. */
export interface MetricsOptions {
  /** The address to listen on [`--metrics-address`]. Default: `0.0.0.0`, all of IPv4. */
  readonly address?: string;
  /**
   * The port to listen on, from 0 to 65535 [`--metrics-port`]. With 0 the system chooses one; `port`
   * says which. Default: 8002.
   */
  readonly port?: number;
}

/**
 * Serves the metrics of an engine at `/metrics`, for Prometheus.
 *
 * @example
 * ```ts
 * import { Metrics, Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * await using metrics = await Metrics.start(server, { port: 0 });
 * console.log(`http://${metrics.address}/metrics`);
 * ```
 */
export class Metrics implements Frontend, AsyncDisposable {
  /** The app with the endpoint, to be mounted in another one; it works without {@link start}. */
  readonly app: HttpApp;
  readonly #service: HttpService;

  /**
   * A front end for `engine`. It does not listen before {@link start}.
   *
   * @throws {RangeError} when the port is out of range.
   */
  constructor(engine: Engine, options: MetricsOptions = {}) {
    const { address = "0.0.0.0", port = 8002 } = options;
    this.app = metricsApp(engine);
    const handler = (request: Request) => this.app.fetch(request);
    this.#service = new HttpService(engine, {
      name: "Metrics",
      address,
      port,
      reusePort: false,
      handler,
      onCut() {},
    });
  }

  /** Makes a front end and starts it. Throws as the constructor and {@link start} do. */
  static async start(engine: Engine, options?: MetricsOptions): Promise<Metrics> {
    const metrics = new Metrics(engine, options);
    await metrics.start();
    return metrics;
  }

  /** Where it listens, for example `127.0.0.1:8002`. */
  get address(): string {
    return this.#service.address;
  }

  /** The port it listens on; before the start, the one of the options. */
  get port(): number {
    return this.#service.port;
  }

  /**
   * Begins to listen.
   *
   * @throws {TritonError} ALREADY_EXISTS when it does already; UNAVAILABLE when the engine does not run
   * or the port is taken.
   */
  start(): Promise<void> {
    return Promise.try(() => this.#service.start(this));
  }

  /**
   * Stops listening. A stop under way is waited for.
   *
   * @throws {TritonError} UNAVAILABLE when it does not listen.
   */
  stop(options?: StopOptions): Promise<void> {
    return this.#service.stop(this, options);
  }

  /** Stops if it listens. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#service.isRunning) await this.stop();
  }
}

const PROMETHEUS = { "content-type": "text/plain; charset=utf-8" };

/** Like Triton's listener, the app answers every other path with an empty 200. */
function metricsApp(engine: Engine): Hono {
  const app = new Hono();
  app.all("*", ({ req }) => {
    if (req.method !== "GET") return failure(405, "Method Not Allowed");
    if (req.path !== "/metrics" && req.path !== "/metrics/") {
      return new Response(null, { headers: PROMETHEUS });
    }
    try {
      const text = engine.metricsText() as Uint8Array<ArrayBuffer>;
      return new Response(text, { headers: PROMETHEUS });
    } catch (reason) {
      const { httpStatus, message } = TritonError.from(reason);
      return failure(httpStatus, message);
    }
  });
  return app;
}

function failure(status: number, message: string): Response {
  return new Response(errorBody(message), { status, headers: { "content-type": "text/plain" } });
}
