/**
 * The in-process Triton server: its life, its models, and the {@link Engine} that front ends stand on.
 *
 * @module
 */
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { LiveCounters } from "../../ffi/bridge/queue.ts";
import { type Library, openLibrary } from "../../ffi/library.ts";
import { cString } from "../../ffi/native.ts";
import { datatypeName, datatypeNumber } from "../datatype.ts";
import type {
  ClientMemory,
  Engine,
  EngineCall,
  EngineRequest,
  Frontend,
  Int64,
  LoadParameters,
  LogSettings,
  ResponseHandler,
} from "../engine.ts";
import { TritonError } from "../errors.ts";
import { setUpTriton } from "../setup/setup.ts";
import { ServerMemory } from "./client_memory.ts";
import { parseCoreJson } from "./core_json.ts";
import { locateTriton, notFoundText, type TritonLocation } from "./locate.ts";
import { logSettings, updateLogSettings } from "./logging.ts";
import { Model } from "./model.ts";
import { checkModelName } from "./model_name.ts";
import { NativeEngine, type NativeServer, NOT_READY, tritonError } from "./native_engine.ts";
import { makeNativeOptions } from "./native_options.ts";
import type { ServerOptions } from "./options.ts";
import type { Threads } from "../threads/threads.ts";
import { ServerThreads } from "./threads.ts";
import { checkFilePaths } from "./path_limits.ts";

export type { LiveCounters };

/** What {@link Server.metadata} tells. */
export interface ServerMetadata {
  /** The server's id. */
  name: string;
  /** The version of Triton. */
  version: string;
  /** The protocol extensions that it has. */
  extensions: string[];
}

/** One entry of the repository index. */
export interface RepositoryEntry {
  /** The model's name. */
  name: string;
  /** The version, when one was ever loaded. */
  version?: string;
  /** `READY`, `UNAVAILABLE`, `LOADING` or `UNLOADING`; absent when the model was never loaded. */
  state?: string;
  /** Why the model is in this state. */
  reason?: string;
}

type State = "new" | "starting" | "running" | "stopping" | "stopped";

/** How long, in seconds, a stop waits for requests and models when no other time is given. */
const DEFAULT_EXIT_TIMEOUT = 30;
/**
 * The least time, in seconds, to unload the models, whatever the requests took. With none at all Triton
 * says that it has stopped while it still unloads.
 */
const UNLOAD_SECONDS = 2;
/** The longest delay that a timer takes. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * A Triton server inside this process. It runs from `start()` to `stop()` and keeps the process alive
 * meanwhile, as a listening socket does. Disposing it first stops the front ends that are attached.
 *
 * @example
 * ```ts
 * import { Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * console.log(server.metadata().version);
 * ```
 */
export class Server implements Engine {
  readonly #options: ServerOptions;
  readonly #frontends = new Set<Frontend>();
  readonly #engine = new NativeEngine(() => this.#state === "running" ? this.#server : undefined);
  readonly #memory = new ServerMemory(() => this.#engine.native(NOT_READY).library);
  readonly #threads = new ServerThreads(() => this.#engine.native(NOT_READY));
  #state: State = "new";
  #library: Library | undefined;
  #server: NativeServer | undefined;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /**
   * Keeps the options; nothing happens before `start()`.
   *
   * @throws {RangeError} when `exitTimeout` is no whole number of seconds.
   */
  constructor(options: ServerOptions) {
    const { exitTimeout = DEFAULT_EXIT_TIMEOUT } = options;
    if (!Number.isInteger(exitTimeout) || exitTimeout < 0 || exitTimeout > 4294967295) {
      throw new RangeError(
        `Cannot use exitTimeout ${exitTimeout}: it is a whole number of seconds, 0 to 4294967295`,
      );
    }
    this.#options = options;
  }

  /** Makes a server and starts it. See {@link Server.prototype.start}. */
  static async start(options: ServerOptions): Promise<Server> {
    return await new Server(options).start();
  }

  /**
   * Opens the Triton library (getting one, unless option `setUp` is false) and starts the server:
   * resolves when the models that load at the start are ready.
   *
   * @throws {TritonError} UNSUPPORTED in a Worker; ALREADY_EXISTS when it was started before; NOT_FOUND when there is no Triton;
   * else what Triton says, for example INTERNAL `failed to load all models`.
   */
  async start(): Promise<this> {
    if (!isMainThread) {
      throw new TritonError(
        "UNSUPPORTED",
        "Cannot start a server in a Worker: a Worker that is terminated would take memory away that " +
          "Triton still reads; start it on the main thread",
      );
    }
    if (this.#state !== "new") {
      throw new TritonError(
        "ALREADY_EXISTS",
        "Server already started: a server starts once; make a new one to start again",
      );
    }
    this.#state = "starting";
    this.#keepAlive = setInterval(() => {}, FOREVER_MS);
    this.#started = this.#start();
    await this.#started;
    return this;
  }

  /**
   * Stops the attached front ends, then the server: no request is taken any more, running ones end
   * within the exit timeout, models are unloaded. A start or stop under way is waited for; once it has
   * stopped, or its start has failed, there is nothing more to do.
   *
   * @throws {TritonError} UNAVAILABLE when it was never started; INTERNAL `Exit timeout expired. Exiting immediately.` when requests ran longer
   * than the exit timeout. They are cancelled then.
   */
  async stop(): Promise<void> {
    if (!this.#started) throw new TritonError("UNAVAILABLE", "Server not started");
    if (this.#state === "starting") await this.#started.catch(() => {});
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /** {@link stop}, and nothing when the server was never started or has stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "new" && this.#state !== "stopped") await this.stop();
  }

  /** A model by name; without a version, the one that the model's version policy chooses. */
  model(name: string, version?: Int64): Model {
    return new Model(this, name, version ?? -1);
  }

  /** The server's name, version and extensions. */
  metadata(): ServerMetadata {
    return parseCoreJson(this.serverMetadataJson()) as ServerMetadata;
  }

  /** The models of the repositories with their states. */
  async models(options: { readyOnly?: boolean } = {}): Promise<RepositoryEntry[]> {
    return parseCoreJson(
      await this.repositoryIndexJson(options.readyOnly ?? false),
    ) as RepositoryEntry[];
  }

  /** Takes over changes in the repositories; only in model control mode `"poll"`. */
  pollModelRepository(): Promise<void> {
    return this.#engine.job("TRITONSERVER_ServerPollModelRepository");
  }

  /** Adds a repository, in mode `"explicit"`; `mapping` gives its folders other model names. */
  async registerModelRepository(path: string, mapping: Record<string, string> = {}): Promise<void> {
    this.#checkRepositories();
    const parameters = new Map(Object.entries(mapping));
    await this.#withParameters(
      parameters,
      (array, count) =>
        this.#engine.job("TRITONSERVER_ServerRegisterModelRepository", cString(path), array, count),
    );
  }

  /** Takes a repository out again. Its loaded models stay. */
  async unregisterModelRepository(path: string): Promise<void> {
    this.#checkRepositories();
    await this.#engine.job("TRITONSERVER_ServerUnregisterModelRepository", cString(path));
  }

  /**
   * What is alive in the bridge to Triton, over all servers of the process, also after the stop; for leak
   * tests.
   *
   * @throws {TritonError} UNAVAILABLE before the start.
   */
  liveCounters(): LiveCounters {
    if (!this.#library) throw new TritonError("UNAVAILABLE", NOT_READY);
    return this.#library.queue.counters();
  }

  // --- Engine ---

  /** Whether it has started and no stop has begun. */
  get running(): boolean {
    return this.#engine.running;
  }

  /** See {@link Engine.clientMemory}. */
  get clientMemory(): ClientMemory {
    return this.#memory;
  }

  /** See {@link Engine.threads}. */
  get threads(): Threads {
    return this.#threads;
  }

  /** See {@link Engine.attach}. */
  attach(frontend: Frontend): void {
    if (!this.running) throw new TritonError("UNAVAILABLE", "Server not ready");
    this.#frontends.add(frontend);
  }

  /** See {@link Engine.detach}. */
  detach(frontend: Frontend): void {
    this.#frontends.delete(frontend);
  }

  /** Whether the server works at all. */
  isLive(): boolean {
    return this.#engine.isLive();
  }

  /** Whether the server, and with strict readiness every model, can serve. */
  isReady(): boolean {
    return this.#engine.isReady();
  }

  /** Whether a model can serve; version -1 for the one that the version policy chooses. */
  isModelReady(name: string, version: Int64): boolean {
    return this.#engine.isModelReady(name, version);
  }

  /** {@link metadata} as Triton's JSON. */
  serverMetadataJson(): Uint8Array {
    return this.#engine.serverMetadataJson();
  }

  /** {@link Model.metadata} as Triton's JSON. */
  modelMetadataJson(name: string, version: Int64): Uint8Array {
    return this.#engine.modelMetadataJson(name, version);
  }

  /** {@link Model.config} as Triton's JSON. */
  modelConfigJson(name: string, version: Int64): Uint8Array {
    return this.#engine.modelConfigJson(name, version);
  }

  /** {@link Model.statistics} as Triton's JSON; of all models with an empty name. */
  modelStatisticsJson(name: string, version: Int64): Uint8Array {
    return this.#engine.modelStatisticsJson(name, version);
  }

  /** Whether the model may send other than one response to a request. */
  isDecoupled(name: string, version: Int64): boolean {
    return this.#engine.isDecoupled(name, version);
  }

  /** Whether the model's shapes begin with a batch dimension. */
  hasBatchDimension(name: string, version: Int64): boolean {
    return this.#engine.hasBatchDimension(name, version);
  }

  /** {@link models} as Triton's JSON. */
  repositoryIndexJson(readyOnly: boolean): Promise<Uint8Array> {
    return this.#engine.repositoryIndexJson(readyOnly);
  }

  /** See {@link Engine.loadModel}; {@link Model.load} is the friendlier form. */
  async loadModel(name: string, parameters: LoadParameters = new Map()): Promise<void> {
    this.#engine.native(NOT_READY);
    // In other modes the library refuses every load, whatever the name.
    if (this.#options.modelControlMode === "explicit") checkModelName(name);
    if (parameters.size === 0) {
      return await this.#engine.job("TRITONSERVER_ServerLoadModel", cString(name));
    }
    checkFilePaths(name, parameters);
    await this.#withParameters(
      parameters,
      (array, count) =>
        this.#engine.job("TRITONSERVER_ServerLoadModelWithParameters", cString(name), array, count),
    );
  }

  /** See {@link Engine.unloadModel}; {@link Model.unload} is the friendlier form. */
  unloadModel(name: string, options: { unloadDependents?: boolean } = {}): Promise<void> {
    return this.#engine.job(
      options.unloadDependents
        ? "TRITONSERVER_ServerUnloadModelAndDependents"
        : "TRITONSERVER_ServerUnloadModel",
      cString(name),
    );
  }

  /** See {@link Engine.infer}: what front ends call. Programs use {@link Model.infer}. */
  infer(request: EngineRequest, onResponse: ResponseHandler): EngineCall {
    return this.#engine.infer(request, onResponse);
  }

  /** The Prometheus text of the process's metrics. */
  metricsText(): Uint8Array {
    return this.#engine.metricsText();
  }

  /** The log settings of the process. */
  logSettings(): LogSettings {
    return logSettings();
  }

  /** Changes log settings, for the whole process. */
  updateLogSettings(settings: Partial<LogSettings>): void {
    this.#engine.ask(NOT_READY, ({ library }) => updateLogSettings(library.native, settings));
  }

  // --- the inside ---

  async #locate(): Promise<TritonLocation> {
    const found = locateTriton(this.#options);
    if (found) return found;
    if (this.#options.setUp === false) throw new TritonError("NOT_FOUND", notFoundText());
    const progress = (line: string) => void process.stderr.write(`${line}\n`);
    try {
      await setUpTriton({ progress });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TritonError("NOT_FOUND", `${notFoundText()} Setting one up failed: ${reason}`, {
        cause,
      });
    }
    const made = locateTriton(this.#options);
    if (!made) throw new TritonError("NOT_FOUND", notFoundText());
    return made;
  }

  async #start(): Promise<void> {
    try {
      const location = await this.#locate();
      this.#library = await openLibrary(location.library, {
        number: datatypeNumber,
        name: datatypeName,
      });
      this.#server = await this.#startNative(this.#library, location);
      this.#state = "running";
    } catch (error) {
      this.#state = "stopped";
      this.#stopped = Promise.resolve();
      clearInterval(this.#keepAlive);
      throw tritonError(error);
    }
  }

  async #startNative(library: Library, location: TritonLocation): Promise<NativeServer> {
    const { native, queue } = library;
    const options = this.#options;
    updateLogSettings(native, {
      file: options.logFile ?? "",
      info: options.logInfo ?? false,
      warning: options.logWarning ?? true,
      error: options.logError ?? true,
      verboseLevel: options.logVerbose ?? 0,
      format: options.logFormat ?? "default",
    });
    const made = makeNativeOptions(native, options, location);
    const out = new Uint8Array(8);
    try {
      await queue.call("TRITONSERVER_ServerNew", out, made);
    } finally {
      native.deleteOptions(made);
    }
    return { library, address: Number(new DataView(out.buffer).getBigUint64(0, true)) };
  }

  async #stop(): Promise<void> {
    const { library: { native, queue }, address } = this.#server as NativeServer;
    this.#state = "stopping";
    try {
      const timeout = this.#options.exitTimeout ?? DEFAULT_EXIT_TIMEOUT;
      const begun = Date.now();
      const graceMs = Math.min(timeout * 1000, FOREVER_MS);
      this.#threads.stopping();
      // A front end that fails to stop must not keep the others, or the server, from stopping.
      await Promise.allSettled(
        Array.from(this.#frontends, (frontend) => frontend.stop({ graceMs })),
      );
      try {
        const left = Math.ceil(timeout - (Date.now() - begun) / 1000);
        native.set(
          "TRITONSERVER_ServerSetExitTimeout",
          address,
          Math.max(left, UNLOAD_SECONDS),
        );
        await queue.call("TRITONSERVER_ServerStop", address);
      } catch (error) {
        await this.#engine.cancelCalls();
        // Deleting the server, or unmapping the memory of clients, now would leave requests and models
        // pointing into freed memory: rather than that, both are left to the end of the process.
        throw tritonError(error);
      }
      await Promise.all([this.#engine.settleJobs(), this.#threads.settle()]);
      await queue.call("TRITONSERVER_ServerDelete", address);
      this.#memory.unmapAll();
    } finally {
      await this.#threads.end();
      this.#state = "stopped";
      clearInterval(this.#keepAlive);
    }
  }

  /** A server whose start failed, with `exitOnError` false, has no repositories: Triton would crash. */
  #checkRepositories(): void {
    const isLive = this.#engine.ask(NOT_READY, ({ library, address }) => {
      return library.native.serverIs("Live", address);
    });
    if (!isLive) throw new TritonError("UNAVAILABLE", NOT_READY);
  }

  /** Gives `use` an array of parameter objects that live until it is done. */
  async #withParameters(
    parameters: LoadParameters,
    use: (array: Uint8Array, count: number) => Promise<void>,
  ): Promise<void> {
    const { native } = this.#engine.native(NOT_READY).library;
    const made: number[] = [];
    try {
      for (const [name, value] of parameters) {
        try {
          made.push(native.newParameter(name, value));
        } catch (error) {
          throw tritonError(error);
        }
      }
      await use(new Uint8Array(BigUint64Array.from(made, BigInt).buffer), made.length);
    } finally {
      for (const parameter of made) native.deleteParameter(parameter);
    }
  }
}
