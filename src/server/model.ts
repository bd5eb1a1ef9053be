/**
 * One model of a server, for programs in the same process.
 *
 * @module
 */
import type { Engine, Int64 } from "../engine.ts";
import { parseCoreJson } from "./core_json.ts";
import { Inference, type InferenceOptions } from "./inference.ts";

/** The name, data type and shape of a model's input or output; -1 stands for any size. */
export interface TensorMetadata {
  /** The tensor's name. */
  name: string;
  /** The data type by its protocol name. */
  datatype: string;
  /** The shape, with the batch dimension first when the model has one. */
  shape: number[];
}

/** What {@link Model.metadata} tells. */
export interface ModelMetadata {
  /** The model's name. */
  name: string;
  /** The versions that are ready. */
  versions: string[];
  /** The platform or backend that runs it. */
  platform: string;
  /** The inputs, optional ones too. */
  inputs: TensorMetadata[];
  /** The outputs. */
  outputs: TensorMetadata[];
}

/**
 * A model of a {@link Server}. It is a name, not a resource: making one looks nothing up, and the model
 * may come and go meanwhile.
 *
 * @example
 * ```ts
 * import { Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * const model = server.model("add_sub");
 * const inputs = { A: new Float32Array([1, 2]), B: new Float32Array([3, 4]) };
 * const response = await model.infer({ inputs });
 * console.log(response.output("SUM").toArray()); // [ 4, 6 ]
 * ```
 */
export class Model {
  readonly #engine: Engine;
  /** The model's name. */
  readonly name: string;
  /** The version; -1 for the one that the version policy chooses. */
  readonly version: Int64;

  /** Made by {@link Server.model}. */
  constructor(engine: Engine, name: string, version: Int64) {
    this.#engine = engine;
    this.name = name;
    this.version = version;
  }

  /**
   * Runs the model. The answer can be awaited, for the response of a model that sends one, or iterated
   * with `for await`, for those of a decoupled model.
   */
  infer(options: InferenceOptions): Inference {
    return new Inference(this.#engine, this.name, this.version, options);
  }

  /** Whether the model can serve. Unknown models cannot, or are NOT_FOUND, as the library has it. */
  ready(): boolean {
    return this.#engine.isModelReady(this.name, this.version);
  }

  /** Inputs, outputs and versions. Throws NOT_FOUND when the model is not there. */
  metadata(): ModelMetadata {
    return parseCoreJson(this.#engine.modelMetadataJson(this.name, this.version)) as ModelMetadata;
  }

  /** The configuration, completed by Triton, with the field names of `model_config.proto`. */
  config(): Record<string, unknown> {
    return parseCoreJson(this.#engine.modelConfigJson(this.name, this.version)) as Record<
      string,
      unknown
    >;
  }

  /** The statistics, with the field names of the statistics extension. */
  statistics(): Record<string, unknown> {
    return parseCoreJson(this.#engine.modelStatisticsJson(this.name, this.version)) as Record<
      string,
      unknown
    >;
  }

  /** Loads the model, or loads it again; `config` overrides its configuration (as JSON text). */
  load(options: { config?: string; files?: Record<string, Uint8Array> } = {}): Promise<void> {
    const parameters = new Map<string, string | Uint8Array>();
    if (options.config !== undefined) parameters.set("config", options.config);
    for (const [path, bytes] of Object.entries(options.files ?? {})) {
      parameters.set(`file:${path}`, bytes);
    }
    return this.#engine.loadModel(this.name, parameters);
  }

  /** Begins to unload the model; it ends when its requests have. */
  unload(options: { unloadDependents?: boolean } = {}): Promise<void> {
    return this.#engine.unloadModel(this.name, options);
  }
}
