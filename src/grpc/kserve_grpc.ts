/**
 * KServeGrpc: the gRPC front end of a Triton server.
 *
 * @module
 */
import { createServiceImplSpec } from "@connectrpc/connect";
import { GRPCInferenceService } from "../../proto/gen/grpc_service_pb.ts";
import { Health } from "../../proto/gen/health_pb.ts";
import { LiveSet } from "../live_set.ts";
import type { Engine, Frontend } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { DEFAULT_GRACE_MS, type StopOptions } from "../frontend.ts";
import type { ServerCall } from "./call.ts";
import { healthService } from "./health.ts";
import { Inferences } from "./inference.ts";
import { lateReply } from "./late_replies.ts";
import { modelInferHandler, modelStreamInferHandler } from "./model_infer.ts";
import { type KServeGrpcOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { reflectionHandler } from "./reflection.ts";
import { checkRestriction } from "./restricted.ts";
import { acceptStream, type CallHandler, connectHandler } from "./rpc.ts";
import { controlService } from "./service.ts";
import { SHUTTING_DOWN, statusOf } from "./status.ts";
import { socketPath, type Transport } from "./transport.ts";
import { h2Transport } from "./transport_h2.ts";

const STREAM_INFER = "/inference.GRPCInferenceService/ModelStreamInfer";

/** What runs between `start()` and `stop()`. */
interface Running {
  readonly transport: Transport;
  readonly port: number;
  readonly calls: LiveSet<ServerCall>;
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
  readonly #handlers: ReadonlyMap<string, CallHandler>;
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
    this.#engine = engine;
    this.#options = resolveOptions(engine, options);
    this.#handlers = this.#createHandlers();
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

  #createHandlers(): Map<string, CallHandler> {
    const { headerPattern, inferCompressionLevel, maxResponsePoolSize, regions, traceSettings } =
      this.#options;
    const engine = this.#engine;
    const handlers = new Map<string, CallHandler>();
    const specs = [
      createServiceImplSpec<typeof GRPCInferenceService>(
        GRPCInferenceService,
        controlService({ engine, regions, traceSettings }),
      ),
      createServiceImplSpec<typeof Health>(Health, healthService(engine)),
    ];
    for (const { service, methods } of specs) {
      for (const spec of Object.values(methods)) {
        const handler = connectHandler(lateReply(spec, this.#options.replyDelayMs));
        handlers.set(`/${service.typeName}/${spec.method.name}`, handler);
      }
    }
    const context = {
      inferences: new Inferences(engine, headerPattern, regions),
      compression: inferCompressionLevel,
      maxResponsePoolSize,
      stopping: () => this.#stopping !== undefined,
    };
    handlers.set("/inference.GRPCInferenceService/ModelInfer", modelInferHandler(context));
    handlers.set(STREAM_INFER, modelStreamInferHandler(context));
    const reflection = reflectionHandler();
    handlers.set("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", reflection);
    handlers.set("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reflection);
    return handlers;
  }

  async #createTransport(calls: LiveSet<ServerCall>): Promise<Transport> {
    const { transport, transportKind, restrictedFeatures } = this.#options;
    const table = {
      handler: (path: string) => this.#handlers.get(path),
      opened: (call: ServerCall) => {
        checkRestriction(call, restrictedFeatures);
        if (this.#stopping !== undefined) throw SHUTTING_DOWN;
        calls.add(call);
      },
      closed: (call: ServerCall) => calls.delete(call),
    };
    // Only imported when asked for, since node:http2 takes its time.
    const makeTransport = transportKind === "h2"
      ? h2Transport
      : (await import("./transport_node.ts")).nodeTransport;
    return makeTransport(transport, (stream) => acceptStream(stream, table));
  }

  async #listen(): Promise<Running> {
    const calls = new LiveSet<ServerCall>();
    const transport = await this.#createTransport(calls);
    try {
      return { transport, calls, port: await transport.listen() };
    } catch (cause) {
      if (cause instanceof TritonError) throw cause;
      const { address, port } = this.#options.transport;
      throw new TritonError("UNAVAILABLE", `Socket '${address}:${port}' already in use `, {
        cause,
      });
    }
  }

  async #drain({ transport, calls }: Running, graceMs: number): Promise<void> {
    const drained = transport.drain();
    // Watching and reflection have no end of their own.
    for (const call of calls.all()) if (isEndless(call)) call.abort(statusOf(SHUTTING_DOWN));
    let close: ReturnType<typeof setTimeout> | undefined;
    const cut = setTimeout(() => {
      for (const call of calls.all()) call.abort(statusOf(SHUTTING_DOWN));
      close = setTimeout(() => transport.close(), CLOSE_MS);
    }, graceMs);
    await drained;
    clearTimeout(cut);
    clearTimeout(close);
    this.#running = undefined;
    this.#stopping = undefined;
    this.#engine.detach(this);
  }
}

/** After the cut, statuses need a moment to reach their clients; clients that do not read get no more. */
const CLOSE_MS = 500;

function isEndless({ path }: ServerCall): boolean {
  return path.startsWith("/grpc.");
}
