/**
 * KServeGrpc: the gRPC front end of a Triton server.
 *
 * @module
 */
import type { Engine, Frontend } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { DEFAULT_GRACE_MS, openThreads, type StopOptions } from "../frontend.ts";
import { RestrictedFeatures } from "../kserve/restricted.ts";
import { sharedMemoryOf } from "../kserve/shared_memory_registry.ts";
import { traceSettingsOf } from "../kserve/trace_settings.ts";
import type { ThreadGroup } from "../threads/threads.ts";
import { Calls } from "./calls.ts";
import { forwardedAnswers } from "./forwarding.ts";
import { allHandlers, type Handlers } from "./handlers.ts";
import { type KServeGrpcOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import type { GrpcThreadOptions } from "./thread.ts";
import { socketPath, type Transport } from "./transport.ts";
import { H2Transport } from "./transport_h2.ts";

/** What runs between `start()` and `stop()`. */
interface Running {
  readonly transport: Transport;
  readonly port: number;
  readonly calls: Calls;
  readonly threads: ThreadGroup | undefined;
}

/**
 * Serves an engine's models over gRPC: KServe v2 with Triton's extensions, as Triton's own front end
 * does, plus `grpc.health.v1` and server reflection.
 *
 * @example
 * ```ts
 * import { KServeGrpc, Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * await using grpc = await KServeGrpc.start(server, { port: 0 });
 * console.log(`Serving gRPC on ${grpc.address}`);
 * ```
 */
export class KServeGrpc implements Frontend, AsyncDisposable {
  readonly #engine: Engine;
  readonly #options: ResolvedOptions;
  readonly #threadOptions: GrpcThreadOptions;
  readonly #handlers: Handlers;
  #running: Running | undefined;
  #starting: Promise<Running> | undefined;
  #stopping: Promise<void> | undefined;

  /** Makes a front end and starts it; see the constructor and {@link KServeGrpc.start}. */
  static async start(engine: Engine, options?: KServeGrpcOptions): Promise<KServeGrpc> {
    const frontend = new KServeGrpc(engine, options);
    await frontend.start();
    return frontend;
  }

  /**
   * Makes a front end of `engine` that does not listen yet.
   *
   * @throws {RangeError} when an option is out of its range.
   * @throws {TritonError} INVALID_ARG when a certificate file cannot be read, or
   * `forwardHeaderPattern` is no regular expression.
   */
  constructor(engine: Engine, options: KServeGrpcOptions = {}) {
    const { restrictedFeatures, traceSettings = traceSettingsOf(engine), ...others } = options;
    this.#engine = engine;
    this.#options = resolveOptions(others);
    // As they are now, for all threads alike.
    this.#threadOptions = { restrictions: restrictedFeatures?.entries() ?? [], options: others };
    const regions = sharedMemoryOf(engine, options.allowClientSharedMemory ?? false);
    const sources = { engine, regions, stopping: () => this.#stopping !== undefined };
    this.#handlers = allHandlers(sources, { engine, regions, traceSettings }, this.#options);
  }

  /** Where it listens, for example `127.0.0.1:8001`, or `unix:/run/triton.sock`. */
  get address(): string {
    const { address } = this.#options.transport;
    return socketPath(address) === undefined ? `${address}:${this.port}` : address;
  }

  /** The port it listens on, 0 for a Unix domain socket; before `start()` and after `stop()` the one of the options. */
  get port(): number {
    return this.#running?.port ?? this.#options.transport.port;
  }

  /**
   * Begins to listen.
   *
   * @throws {TritonError} ALREADY_EXISTS when it listens already, UNAVAILABLE when the port is taken or
   * the server does not run.
   */
  async start(): Promise<void> {
    if (this.#running !== undefined || this.#starting !== undefined) {
      throw new TritonError("ALREADY_EXISTS", "GRPC server is already running.");
    }
    this.#engine.attach(this);
    this.#starting = this.#listen();
    try {
      this.#running = await this.#starting;
    } catch (reason) {
      this.#engine.detach(this);
      throw reason;
    } finally {
      this.#starting = undefined;
    }
  }

  /**
   * Stops: new calls are refused, those under way may finish within the grace, then they are cancelled
   * and end with UNAVAILABLE. A start or stop under way is waited for.
   *
   * @throws {TritonError} UNAVAILABLE when it does not run.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const running = this.#running ?? await this.#starting?.catch(() => undefined);
    if (running === undefined) throw new TritonError("UNAVAILABLE", "GRPC server is not running.");
    this.#stopping ??= this.#drain(running, options.graceMs ?? DEFAULT_GRACE_MS);
    await this.#stopping;
  }

  /** Stops if running, and waits for a start or stop under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#running ?? await this.#starting?.catch(() => undefined);
    if (running !== undefined) await this.stop();
  }

  async #listen(): Promise<Running> {
    const { transport: options, transportKind } = this.#options;
    const restricted = RestrictedFeatures.of(this.#threadOptions.restrictions);
    const calls = new Calls(this.#handlers, restricted);
    if (transportKind === "node") {
      // Only imported when asked for, since node:http2 takes its time.
      const { nodeTransport } = await import("./transport_node.ts");
      const transport = nodeTransport(options, calls.accept);
      const port = await transport.listen().catch((cause) => this.#refuse(cause));
      return { transport, calls, port, threads: undefined };
    }
    const transport = new H2Transport(options, calls.accept);
    // Threads that listen themselves must know the port.
    const early = transport.isSecure ? undefined : await this.#openThreads(options.port);
    try {
      const port = await transport.listen(early).catch((cause) => this.#refuse(cause));
      return { transport, calls, port, threads: early ?? await this.#openThreads(port) };
    } catch (reason) {
      transport.close();
      await early?.stop(0);
      throw reason;
    }
  }

  #openThreads(port: number): Promise<ThreadGroup | undefined> {
    const { restrictions, options } = this.#threadOptions;
    const { reusePort } = this.#options.transport;
    const forThreads = { restrictions, options: { ...options, port, reusePort } };
    return openThreads(this.#engine, {
      count: this.#options.threads - 1,
      spec: { kind: "grpc", options: forThreads },
      answer: forwardedAnswers(this.#handlers),
    });
  }

  #refuse(cause: unknown): never {
    if (cause instanceof TritonError) throw cause;
    const { address, port } = this.#options.transport;
    throw new TritonError("UNAVAILABLE", `Socket '${address}:${port}' already in use `, { cause });
  }

  async #drain({ transport, calls, threads }: Running, graceMs: number): Promise<void> {
    await Promise.all([calls.drain(transport, graceMs), threads?.stop(graceMs)]);
    this.#running = undefined;
    this.#stopping = undefined;
    this.#engine.detach(this);
  }
}
