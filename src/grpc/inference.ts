/**
 * What ModelInfer and ModelStreamInfer share: from a request message to a call of the engine, and from
 * the engine's response to the fields of a response message.
 *
 * @module
 */
import type {
  EngineCall,
  EngineResponse,
  InferenceEngine,
  Int64,
  ResponseHandler,
} from "../engine.ts";
import { TritonError } from "../errors.ts";
import { classify } from "../kserve/classification.ts";
import { forwardedHeaders } from "../kserve/header_forwarding.ts";
import { withMemory } from "../kserve/request_memory.ts";
import type { RegionSource } from "../kserve/shared_memory.ts";
import type { InferMessage } from "./infer_message.ts";
import { type ParsedRequest, parseInferRequest } from "./infer_request.ts";
import type { ResponseFields, ResponseTensor } from "./infer_response.ts";
import { metadataPairs } from "./metadata_pairs.ts";
import { parseVersion } from "./model_version.ts";

/** What the server says of the model that a request names. */
export interface ModelLookup {
  readonly version: Int64;
  readonly decoupled: boolean;
}

/** Makes inferences of request messages; one for each front end. */
export class Inferences {
  readonly #engine: InferenceEngine;
  readonly #pattern: RegExp | undefined;
  readonly #regions: RegionSource;

  /** Metadata whose names `pattern` finds becomes parameters; undefined for none. */
  constructor(engine: InferenceEngine, pattern: RegExp | undefined, regions: RegionSource) {
    this.#engine = engine;
    this.#pattern = pattern;
    this.#regions = regions;
  }

  /** Throws INVALID_ARG for the version's text, NOT_FOUND for a model that is not there. */
  lookup(message: InferMessage): ModelLookup {
    const version = parseVersion(message.modelVersion);
    return { version, decoupled: this.#engine.isDecoupled(message.modelName, version) };
  }

  /** Reads the rest of the request. `headers` are those of the call, names and values in turn. */
  prepare(
    message: InferMessage,
    lookup: ModelLookup,
    headers: readonly string[],
  ): Inference {
    const parsed = parseInferRequest(
      message,
      lookup.version,
      () => this.#pattern ? forwardedHeaders(metadataPairs(headers), this.#pattern) : [],
      this.#regions,
    );
    const { memory } = message;
    const request = memory === undefined ? parsed.request : withMemory(parsed.request, memory);
    return new Inference(this.#engine, { ...parsed, request }, lookup.decoupled);
  }
}

/** One request, ready to be sent to the engine. */
export class Inference {
  /** Whether the model may send other than one response. */
  readonly decoupled: boolean;
  /** Whether a decoupled model's end is told even when it comes without data. */
  readonly enableEmptyFinalResponse: boolean;
  readonly #engine: InferenceEngine;
  readonly #parsed: ParsedRequest;
  #isBatched = false;
  /** Why it is not known whether shapes begin with a batch. */
  #failure: unknown;

  /** Only made by {@link Inferences}. */
  constructor(engine: InferenceEngine, parsed: ParsedRequest, decoupled: boolean) {
    this.decoupled = decoupled;
    this.enableEmptyFinalResponse = parsed.enableEmptyFinalResponse;
    this.#engine = engine;
    this.#parsed = parsed;
  }

  /** Sends the request. Throws what the server refuses at once. */
  start(onResponse: ResponseHandler): EngineCall {
    const { request, classifications } = this.#parsed;
    const call = this.#engine.infer(request, onResponse);
    // Asked now, because by the time of the response the model may be on its way out; and not before the
    // engine has the request, which would otherwise be dropped without its end when this throws.
    try {
      this.#isBatched = classifications.size > 0 &&
        this.#engine.hasBatchDimension(request.modelName, request.modelVersion);
    } catch (reason) {
      this.#failure = reason;
    }
    return call;
  }

  /**
   * The fields of a response with content, outputs turned into classes where the request says so. The
   * tensors are views that end with the response. Throws when an output cannot be classified.
   */
  fields(response: EngineResponse): ResponseFields {
    if (this.#failure !== undefined) throw this.#failure;
    const { modelName, modelVersion, id, parameters } = response;
    return { modelName, modelVersion, id, parameters, outputs: this.#outputs(response) };
  }

  #outputs(response: EngineResponse): readonly ResponseTensor[] {
    const { classifications } = this.#parsed;
    if (classifications.size === 0) return response.outputs;
    return response.outputs.map((output, index) => {
      const count = classifications.get(output.name);
      if (count === undefined) return output;
      const label = (classIndex: number) => response.label(index, classIndex);
      return { name: output.name, ...classify(output, count, this.#isBatched, label) };
    });
  }
}

/** Triton's error for a model that is not decoupled but did not send exactly one response. */
export function wrongCount(count: number): TritonError {
  return new TritonError("INTERNAL", `expected a single response, got ${count}`);
}
