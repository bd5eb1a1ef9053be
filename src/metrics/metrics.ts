/**
 * The metrics front end: Prometheus text of the process's metrics.
 *
 * @module
 */
import type { Engine, Frontend } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { type HttpApp, HttpService, type StopOptions } from "../frontend.ts";
import { fetchHandler } from "../http1/fetch_api.ts";
import type { HttpHandler, HttpReply } from "../http1/message.ts";
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
    const handler = metricsHandler(engine);
    this.app = { fetch: fetchHandler(handler) };
    this.#service = new HttpService(engine, {
      name: "Metrics",
      address,
      port,
      reusePort: false,
      handler,
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

const PROMETHEUS = [["Content-Type", "text/plain; charset=utf-8"]] as const;

/** Like Triton's listener, this answers every other path with an empty 200. */
function metricsHandler(engine: Engine): HttpHandler {
  return ({ method, path }) => {
    if (method !== "GET") return failure(405, "Method Not Allowed");
    if (path !== "/metrics" && path !== "/metrics/") {
      return { status: 200, fields: PROMETHEUS, body: new Uint8Array(0) };
    }
    try {
      return { status: 200, fields: PROMETHEUS, body: engine.metricsText() };
    } catch (reason) {
      const { httpStatus, message } = TritonError.from(reason);
      return failure(httpStatus, message);
    }
  };
}

function failure(status: number, message: string): HttpReply {
  return { status, fields: [["Content-Type", "text/plain"]], body: errorBody(message) };
}
