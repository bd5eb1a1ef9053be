/**
 * An Engine in memory, for tests of front ends without Triton: models are functions, and what was sent,
 * cancelled and released can be looked at.
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
  LoadParameters,
  LogSettings,
  ParameterValue,
  ResponseHandler,
} from "../../src/engine.ts";
import { TritonError } from "../../src/errors.ts";
import { FakeMemory } from "./fake_memory.ts";

/** One response of a fake model. */
export interface FakeResponse {
  readonly outputs?: readonly Omit<EngineOutput, "byteSize">[];
  readonly parameters?: readonly (readonly [string, ParameterValue])[];
  readonly error?: TritonError;
  /** Labels of classes by index, for all outputs. */
  readonly labels?: readonly string[];
}

/** A fake model: its metadata, and what it answers. */
export interface FakeModel {
  readonly inputs?: readonly { name: string; datatype: string; shape: readonly number[] }[];
  readonly isDecoupled?: boolean;
  readonly isBatched?: boolean;
  /** The responses; they may come as time goes by. `signal` aborts when the request is cancelled. */
  run(
    request: EngineRequest,
    signal: AbortSignal,
  ): Iterable<FakeResponse> | AsyncIterable<FakeResponse>;
}

/** A model that gives every input back as an output of the same name. */
export const ECHO: FakeModel = {
  *run(request) {
    const outputs = request.inputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape: shape.map(Number),
      data: data as Uint8Array,
    }));
    yield { outputs };
  },
};

const encoder = new TextEncoder();
const json = (value: unknown) => encoder.encode(JSON.stringify(value));

/** See the module. */
export class FakeEngine implements Engine {
  running = true;
  /** The requests that were sent, in order. */
  readonly requests: EngineRequest[] = [];
  /** The loads and unloads that were asked for. */
  readonly loads: { name: string; parameters?: LoadParameters; unloadDependents?: boolean }[] = [];
  readonly clientMemory = new FakeMemory();
  readonly frontends = new Set<Frontend>();
  /** Responses that were handed out and not released yet. */
  unreleased = 0;
  /** How many calls were cancelled. */
  cancelled = 0;
  metrics = "# HELP fake A fake metric\nfake 1\n";
  readonly #models: Readonly<Record<string, FakeModel>>;
  #log: LogSettings = {
    file: "",
    info: true,
    warning: true,
    error: true,
    verboseLevel: 0,
    format: "default",
  };

  constructor(models: Readonly<Record<string, FakeModel>> = { echo: ECHO }) {
    this.#models = models;
  }

  attach(frontend: Frontend): void {
    this.#check();
    this.frontends.add(frontend);
  }

  detach(frontend: Frontend): void {
    this.frontends.delete(frontend);
  }

  isLive(): boolean {
    this.#check();
    return true;
  }

  isReady(): boolean {
    this.#check();
    return true;
  }

  isModelReady(name: string): boolean {
    this.#model(name);
    return true;
  }

  serverMetadataJson(): Uint8Array {
    this.#check();
    return json({ name: "fake", version: "0", extensions: [] });
  }

  modelMetadataJson(name: string): Uint8Array {
    return json({ name, versions: ["1"], inputs: this.#model(name).inputs ?? [], outputs: [] });
  }

  modelConfigJson(name: string): Uint8Array {
    this.#model(name);
    return json({ name });
  }

  modelStatisticsJson(name: string): Uint8Array {
    this.#check();
    return json({ model_stats: name === "" ? Object.keys(this.#models) : [name] });
  }

  isDecoupled(name: string): boolean {
    return this.#model(name).isDecoupled ?? false;
  }

  hasBatchDimension(name: string): boolean {
    return this.#model(name).isBatched ?? false;
  }

  repositoryIndexJson(readyOnly: boolean): Promise<Uint8Array> {
    const names = Object.keys(this.#models);
    return Promise.resolve(json(names.map((name) => ({ name, readyOnly }))));
  }

  loadModel(name: string, parameters?: LoadParameters): Promise<void> {
    this.loads.push({ name, parameters });
    return Promise.resolve();
  }

  unloadModel(name: string, options?: { unloadDependents?: boolean }): Promise<void> {
    this.loads.push({ name, unloadDependents: options?.unloadDependents });
    return Promise.resolve();
  }

  infer(request: EngineRequest, onResponse: ResponseHandler): EngineCall {
    if (!(request.modelName in this.#models)) request.onReleased?.();
    const model = this.#model(request.modelName);
    this.requests.push(request);
    const abort = new AbortController();
    this.#answer(model, request, abort.signal, onResponse);
    return {
      cancel: () => {
        if (!abort.signal.aborted) this.cancelled++;
        abort.abort();
      },
      hold() {},
    };
  }

  async #answer(
    model: FakeModel,
    request: EngineRequest,
    signal: AbortSignal,
    onResponse: ResponseHandler,
  ): Promise<void> {
    await Promise.resolve(); // never from within infer()
    let held: FakeResponse | undefined;
    for await (const response of model.run(request, signal)) {
      if (model.isDecoupled) onResponse(this.#response(request, response, false));
      else if (held === undefined) held = response;
      else onResponse(this.#response(request, response, false));
    }
    onResponse(this.#response(request, held, true));
    request.onReleased?.();
  }

  #response(
    request: EngineRequest,
    response: FakeResponse | undefined,
    final: boolean,
  ): EngineResponse {
    this.unreleased++;
    let isReleased = false;
    return {
      error: response?.error,
      final,
      hasContent: response !== undefined,
      modelName: request.modelName,
      modelVersion: "1",
      id: request.id ?? "",
      parameters: response?.parameters ?? [],
      outputs: (response?.outputs ?? []).map((one) => ({ ...one, byteSize: one.data.length })),
      label: (_, classIndex) => response?.labels?.[classIndex],
      release: () => {
        if (!isReleased) this.unreleased--;
        isReleased = true;
      },
    };
  }

  metricsText(): Uint8Array {
    this.#check();
    return encoder.encode(this.metrics);
  }

  logSettings(): LogSettings {
    this.#check();
    return { ...this.#log };
  }

  updateLogSettings(settings: Partial<LogSettings>): void {
    this.#log = { ...this.#log, ...settings };
  }

  /** Stops as a server does: front ends first. */
  async stop(): Promise<void> {
    for (const frontend of this.frontends) await frontend.stop();
    this.running = false;
  }

  #check(): void {
    if (!this.running) throw new TritonError("UNAVAILABLE", "Server not ready");
  }

  #model(name: string): FakeModel {
    this.#check();
    const model = this.#models[name];
    if (model !== undefined) return model;
    throw new TritonError("NOT_FOUND", `Request for unknown model: '${name}' is not found`);
  }
}
