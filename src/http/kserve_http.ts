/**
 * The KServe HTTP front end.
 *
 * @module
 */
import type { Engine, Frontend } from "../engine.ts";
import { type HttpApp, HttpService, type StopOptions } from "../frontend.ts";
import { headerPattern } from "../kserve/header_forwarding.ts";
import { DEFAULT_MAX_INPUT_SIZE } from "../kserve/limits.ts";
import { RestrictedFeatures } from "../kserve/restricted.ts";
import { sharedMemoryOf } from "../kserve/shared_memory_registry.ts";
import { type TraceSettings, traceSettingsOf } from "../kserve/trace_settings.ts";
import { threadCount } from "../threads/threads.ts";
import { kserveRoutes } from "./app.ts";
import { forwardedAnswers } from "./forwarding.ts";
import type { HttpThreadOptions } from "./thread.ts";

/** Options of {@link KServeHttp}; in brackets the flag of `tritonserver` that each stands for. */
export interface KServeHttpOptions {
  /** The address to listen on [`--http-address`]. Default: `0.0.0.0`, all of IPv4. */
  readonly address?: string;
  /**
   * The port to listen on, from 0 to 65535 [`--http-port`]. With 0 the system chooses one; `port` says
   * which. Default: 8000.
   */
  readonly port?: number;
  /** Whether several processes may listen on the port [`--reuse-http-port`]. Default: false. */
  readonly reusePort?: boolean;
  /**
   * Request headers whose name this expression finds, anywhere in it, are forwarded to the model as
   * string parameters of inferences [`--http-header-forward-pattern`]. The text of a JavaScript regular
   * expression, or one. Names are in lower case, so case is ignored, unless a text begins with `(?-i)`.
   * Default: `""`, no header.
   */
  readonly headerForwardPattern?: string | RegExp;
  /** Endpoints that want a header with a secret [`--http-restricted-api`]. Default: none. */
  readonly restrictedFeatures?: RestrictedFeatures;
  /**
   * Whether clients may register shared memory for their tensors to lie in [`--allow-client-shm`]. Only
   * for clients that are trusted, since they may name any shared memory that this process can open. The
   * front ends of a server share the regions. Default: false.
   */
  readonly allowClientSharedMemory?: boolean;
  /**
   * The limit on JSON bodies, on what is made from them and on what compressed bodies grow to, in
   * bytes [`--http-max-input-size`]. Binary data behind a JSON header is not limited. Default: 67108864
   * (64 MiB).
   */
  readonly maxInputSize?: number;
  /**
   * The trace settings that the trace endpoints show and change [`--trace-config`]. Default: those that
   * the front ends of the server share, with tracing off and no file.
   */
  readonly traceSettings?: TraceSettings;
  /**
   * Whether the gRPC services are served too, on `/inference.GRPCInferenceService/<Method>` and
   * `/grpc.health.v1.Health/<Method>`, for clients of gRPC-Web and of the Connect protocol. Restricted
   * features expect the header that they have on gRPC, `triton-grpc-protocol-<key>`. Triton has no such
   * thing. Default: true.
   */
  readonly rpc?: boolean;
  /**
   * How many event loops serve connections, from 1 to 128 [`--http-thread-count`]: the main thread's, and
   * those of Workers, which share the server; each connection goes to the one with the fewest. The front ends of a server share
   * the Workers. Triton's default is 8. Default: 1.
   */
  readonly threads?: number;
}

/**
 * Serves an engine's models by HTTP: KServe v2 with Triton's extensions, on the paths and with the texts
 * of Triton's own HTTP server.
 *
 * @example
 * ```ts
 * import { KServeHttp, Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * await using http = await KServeHttp.start(server, { port: 0 });
 * console.log(`Serving on http://${http.address}`);
 * ```
 */
export class KServeHttp implements Frontend, AsyncDisposable {
  /** The app with all endpoints, to be mounted in another one; it works without {@link start}. */
  readonly app: HttpApp;
  readonly #service: HttpService;

  /**
   * A front end for `engine`. It does not listen before {@link start}.
   *
   * @throws {RangeError} when the port, the input limit or the number of threads is out of range.
   * @throws {TritonError} INVALID_ARG when the header pattern is no regular expression.
   */
  constructor(engine: Engine, options: KServeHttpOptions = {}) {
    const {
      address = "0.0.0.0",
      port = 8000,
      reusePort = false,
      headerForwardPattern = "",
      restrictedFeatures,
      allowClientSharedMemory = false,
      maxInputSize = DEFAULT_MAX_INPUT_SIZE,
      traceSettings = traceSettingsOf(engine),
      rpc = true,
      threads,
    } = options;
    if (!(maxInputSize > 0)) {
      throw new RangeError(`Cannot limit input to ${maxInputSize} bytes: it must be above 0`);
    }
    // As they are now, for all threads alike.
    const restrictions = restrictedFeatures?.entries() ?? [];
    const service = {
      engine,
      restricted: RestrictedFeatures.of(restrictions),
      headerPattern: headerPattern(headerForwardPattern),
      maxInputSize,
      regions: sharedMemoryOf(engine, allowClientSharedMemory),
      traceSettings,
    };
    const routes = kserveRoutes(service, rpc);
    this.app = routes.app;
    const forThreads: HttpThreadOptions = {
      restrictions,
      headerPattern: service.headerPattern,
      maxInputSize,
      rpc,
    };
    this.#service = new HttpService(engine, {
      name: "HTTP",
      address,
      port,
      reusePort,
      handler: routes.handler,
      threads: {
        count: threadCount(threads) - 1,
        spec: { kind: "http", options: forThreads },
        answer: forwardedAnswers(routes.handler),
      },
    });
  }

  /** Makes a front end and starts it. Throws as the constructor and {@link start} do. */
  static async start(engine: Engine, options?: KServeHttpOptions): Promise<KServeHttp> {
    const http = new KServeHttp(engine, options);
    await http.start();
    return http;
  }

  /** Where it listens, for example `127.0.0.1:8000`. */
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
   * or the port is taken; UNSUPPORTED when there shall be threads and the engine has none.
   */
  start(): Promise<void> {
    return Promise.try(() => this.#service.start(this));
  }

  /**
   * Stops listening: connections are refused, requests in flight may finish within the grace, then
   * they are cancelled and answered 503. A stop under way is waited for.
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
