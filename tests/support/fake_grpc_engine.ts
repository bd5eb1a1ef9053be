/**
 * An engine in memory for tests of the gRPC front end: models are functions, every call and release is
 * counted.
 *
 * @module
 */
import type {
  Engine,
  EngineCall,
  EngineOutput,
  EngineRequest,
  EngineResponse,
  Frontend,
  LogSettings,
  ResponseHandler,
} from "../../src/engine.ts";
import { TritonError } from "../../src/errors.ts";
import { FakeMemory } from "./fake_memory.ts";

/** What a test says of a response; the rest has defaults. */
export type ResponseInit = Partial<Omit<EngineResponse, "release">>;

/** A request that reached the engine, with which a test answers it. */
export class FakeInference {
  readonly request: EngineRequest;
  cancelled = false;
  /** What the model was told: to wait, or to go on. */
  readonly holds: boolean[] = [];
  readonly #engine: FakeGrpcEngine;
  readonly #onResponse: ResponseHandler;

  constructor(engine: FakeGrpcEngine, request: EngineRequest, onResponse: ResponseHandler) {
    this.#engine = engine;
    this.request = request;
    this.#onResponse = onResponse;
  }

  /** Answers; without `final` said otherwise this is the last answer. */
  respond(init: ResponseInit = {}): void {
    const engine = this.#engine;
    engine.unreleased += 1;
    let released = false;
    this.#onResponse({
      final: true,
      hasContent: init.error === undefined,
      modelName: this.request.modelName,
      modelVersion: "1",
      id: this.request.id ?? "",
      parameters: [],
      outputs: [],
      label: () => undefined,
      ...init,
      release() {
        if (!released) engine.unreleased -= 1;
        released = true;
      },
    });
    if (init.final ?? true) this.request.onReleased?.();
  }

  /** Answers with the inputs as outputs of the same names. */
  echo(init: ResponseInit = {}): void {
    this.respond({ outputs: this.request.inputs.map(asOutput), ...init });
  }

  /** The bare end mark of a decoupled model. */
  end(): void {
    this.respond({ hasContent: false });
  }
}

function asOutput({ name, datatype, shape, data }: EngineRequest["inputs"][number]): EngineOutput {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(0);
  return { name, datatype, shape: shape.map(Number), data: bytes, byteSize: bytes.length };
}

/** What a model does with a request; nothing said means that the test answers later. */
export type FakeModel = (inference: FakeInference) => void;

/** See the module. */
export class FakeGrpcEngine implements Engine {
  running = true;
  ready = true;
  /** Responses handed out and not given back. */
  unreleased = 0;
  readonly clientMemory = new FakeMemory();
  readonly frontends = new Set<Frontend>();
  readonly inferences: FakeInference[] = [];
  readonly loads: [string, ReadonlyMap<string, string | Uint8Array> | undefined][] = [];
  readonly unloads: [string, boolean | undefined][] = [];
  /** By name; those listed in `decoupled` are. */
  readonly models = new Map<string, FakeModel>();
  readonly decoupled = new Set<string>();
  /** Answers of the `...Json()` methods by the method's name. */
  readonly json: Record<string, unknown> = {};
  readonly log: LogSettings = {
    file: "",
    info: true,
    warning: true,
    error: true,
    verboseLevel: 0,
    format: "default",
  };

  attach(frontend: Frontend): void {
    this.frontends.add(frontend);
  }

  detach(frontend: Frontend): void {
    this.frontends.delete(frontend);
  }

  isLive(): boolean {
    return true;
  }

  isReady(): boolean {
    return this.ready;
  }

  isModelReady(name: string): boolean {
    return this.models.has(name);
  }

  serverMetadataJson(): Uint8Array {
    return this.#json("serverMetadata");
  }

  modelMetadataJson(): Uint8Array {
    return this.#json("modelMetadata");
  }

  modelConfigJson(): Uint8Array {
    return this.#json("modelConfig");
  }

  modelStatisticsJson(): Uint8Array {
    return this.#json("modelStatistics");
  }

  isDecoupled(name: string): boolean {
    this.#model(name);
    return this.decoupled.has(name);
  }

  hasBatchDimension(): boolean {
    return false;
  }

  repositoryIndexJson(): Promise<Uint8Array> {
    return Promise.resolve(this.#json("repositoryIndex"));
  }

  loadModel(name: string, parameters?: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
    this.loads.push([name, parameters]);
    return Promise.resolve();
  }

  unloadModel(name: string, options?: { unloadDependents?: boolean }): Promise<void> {
    this.unloads.push([name, options?.unloadDependents]);
    return Promise.resolve();
  }

  infer(request: EngineRequest, onResponse: ResponseHandler): EngineCall {
    if (!this.models.has(request.modelName)) request.onReleased?.();
    const model = this.#model(request.modelName);
    const inference = new FakeInference(this, request, onResponse);
    this.inferences.push(inference);
    setTimeout(() => model(inference));
    return { cancel: () => inference.cancelled = true, hold: (held) => inference.holds.push(held) };
  }

  metricsText(): Uint8Array {
    return new Uint8Array(0);
  }

  logSettings(): LogSettings {
    return { ...this.log };
  }

  updateLogSettings(settings: Partial<LogSettings>): void {
    Object.assign(this.log, settings);
  }

  #model(name: string): FakeModel {
    const model = this.models.get(name);
    if (model === undefined) {
      throw new TritonError("NOT_FOUND", `Request for unknown model: '${name}' is not found`);
    }
    return model;
  }

  #json(name: string): Uint8Array {
    const value = this.json[name];
    return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  }
}
