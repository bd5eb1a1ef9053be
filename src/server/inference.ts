/**
 * One inference of a program in the same process: the request as users write it, and its responses as
 * a promise or a stream.
 *
 * @module
 */
import type { DataType } from "../datatype.ts";
import type {
  Engine,
  EngineCall,
  EngineRequest,
  EngineResponse,
  Int64,
  ParameterValue,
} from "../engine.ts";
import { TritonError } from "../errors.ts";
import { Tensor, type TensorSource } from "../tensor.ts";

/** A request to a model. */
export interface InferenceOptions {
  /** The input tensors by name; plain values become tensors of one dimension. */
  inputs: Record<string, Tensor | TensorSource>;
  /** The outputs that are wanted. Default: all. */
  outputs?: readonly string[];
  /** An id, which responses and error texts repeat. Default none. */
  id?: string;
  /** The sequence that this request belongs to. Default none. */
  sequenceId?: number | bigint | string;
  /** This request begins its sequence. Default false. */
  sequenceStart?: boolean;
  /** This request ends its sequence. Default false. */
  sequenceEnd?: boolean;
  /** The priority; lower numbers go first. Default: the model's. */
  priority?: number;
  /** The longest wait in the model's queue, in microseconds. Default: the model's. */
  timeout?: number;
  /** Parameters for the model: integers as bigints or whole numbers, other numbers as doubles. */
  parameters?: Record<string, string | number | bigint | boolean>;
  /** Aborting it cancels the inference. */
  signal?: AbortSignal;
}

/** A response of a model. Its tensors are the program's own. */
export class InferenceResponse {
  /** The request's id. */
  readonly id: string;
  /** The model that answered. */
  readonly modelName: string;
  /** The version that answered. */
  readonly modelVersion: string;
  /** The response's parameters. */
  readonly parameters: Readonly<Record<string, string | number | bigint | boolean>>;
  /** The output tensors by name, in the order in which the model made them. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Whether the model has said with this response that it is the last one. */
  readonly final: boolean;

  /** Copies the tensors out of the server's memory and gives that back. */
  constructor(response: EngineResponse) {
    this.id = response.id;
    this.modelName = response.modelName;
    this.modelVersion = response.modelVersion;
    this.parameters = Object.fromEntries(response.parameters);
    this.final = response.final;
    try {
      this.outputs = Object.fromEntries(
        response.outputs.map(({ name, datatype, shape, data }) => [
          name,
          new Tensor(datatype as DataType, shape, data.slice()),
        ]),
      );
    } finally {
      response.release();
    }
  }

  /**
   * The output tensor of that name.
   *
   * @throws {TritonError} NOT_FOUND when the response has none of that name.
   */
  output(name: string): Tensor {
    const tensor = this.outputs[name];
    if (tensor) return tensor;
    throw new TritonError(
      "NOT_FOUND",
      `Cannot find output '${name}' in the response of model '${this.modelName}': it has ` +
        Object.keys(this.outputs).map((known) => `'${known}'`).join(", "),
    );
  }
}

/**
 * A running inference. `await` it for the one response of an ordinary model, or iterate it with
 * `for await` for all responses of a decoupled one; leaving the loop cancels what has not come yet.
 *
 * The request is sent when this is made. Every failure, also of the sending, comes out of the `await` or
 * the loop: as a TritonError, or as the reason of the aborted signal.
 *
 * @example The responses of a decoupled model
 * ```ts
 * import { Server } from "@triton-ts/frontend";
 *
 * await using server = await Server.start({ modelRepository: "examples/models" });
 * const inference = server.model("count").infer({ inputs: { N: new Int32Array([3]) } });
 * for await (const response of inference) {
 *   console.log(response.output("NUMBER").toArray()); // [ 1 ], [ 2 ], [ 3 ]
 * }
 * ```
 */
export class Inference implements PromiseLike<InferenceResponse>, AsyncIterable<InferenceResponse> {
  readonly #modelName: string;
  readonly #waiting: InferenceResponse[] = [];
  #call: EngineCall | undefined;
  #failure: { reason: unknown } | undefined;
  #ended = false;
  #wake: (() => void) | undefined;
  #single: Promise<InferenceResponse> | undefined;

  /** Sends the request. Made by {@link Model.infer}. */
  constructor(engine: Engine, model: string, version: Int64, options: InferenceOptions) {
    this.#modelName = model;
    const { signal } = options;
    const abort = () => {
      this.#call?.cancel();
      this.#end(signal?.reason);
    };
    try {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", abort, { once: true });
      this.#call = engine.infer(engineRequest(model, version, options), (response) => {
        if (response.final) signal?.removeEventListener("abort", abort);
        this.#take(response);
      });
    } catch (error) {
      signal?.removeEventListener("abort", abort);
      this.#end(error);
    }
  }

  /** Asks the model to stop. What it then answers, still comes. */
  cancel(): void {
    this.#call?.cancel();
  }

  /**
   * Resolves with the model's one response.
   *
   * @throws {TritonError} what the model failed with; INTERNAL when it sent no response, or several.
   */
  then<A = InferenceResponse, B = never>(
    fulfilled?: ((response: InferenceResponse) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#single ??= this.#one();
    return this.#single.then(fulfilled, rejected);
  }

  /** Yields the responses as they come; throws at the first one that is a failure. */
  async *[Symbol.asyncIterator](): AsyncGenerator<InferenceResponse, void, undefined> {
    try {
      for (;;) {
        const response = this.#waiting.shift();
        if (response) yield response;
        else if (this.#failure) throw this.#failure.reason;
        else if (this.#ended) return;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      if (!this.#ended) {
        this.cancel();
        this.#end(new TritonError("CANCELLED", "The inference was left before its end"));
      }
    }
  }

  async #one(): Promise<InferenceResponse> {
    let one: InferenceResponse | undefined;
    let count = 0;
    for await (const response of this) {
      one ??= response;
      count++;
    }
    if (one && count === 1) return one;
    throw new TritonError(
      "INTERNAL",
      `expected a single response, got ${count}: model '${this.#modelName}' is decoupled, iterate ` +
        "its responses with 'for await'",
    );
  }

  #take(response: EngineResponse): void {
    if (this.#ended) return response.release();
    if (response.error) {
      response.release();
      this.#failure ??= { reason: response.error };
    } else if (response.hasContent) {
      this.#push(response);
    } else {
      response.release();
    }
    this.#ended = response.final;
    this.#wake?.();
  }

  /** A response that is no tensors, from a faulty backend, is a failure like any other. */
  #push(response: EngineResponse): void {
    try {
      this.#waiting.push(new InferenceResponse(response));
    } catch (reason) {
      this.#failure ??= { reason };
    }
  }

  #end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure ??= { reason };
    this.#wake?.();
  }
}

function engineRequest(model: string, version: Int64, options: InferenceOptions): EngineRequest {
  return {
    modelName: model,
    modelVersion: version,
    id: options.id,
    flags: (options.sequenceStart ? 1 : 0) | (options.sequenceEnd ? 2 : 0),
    correlationId: options.sequenceId,
    priority: options.priority,
    timeoutMicroseconds: options.timeout,
    inputs: Object.entries(options.inputs).map(([name, value]) => {
      const { datatype, shape, bytes } = inputTensor(name, value);
      return { name, datatype, shape, data: bytes };
    }),
    outputs: options.outputs?.map((name) => ({ name })),
    parameters: Object.entries(options.parameters ?? {}).map((
      [name, value],
    ): [string, ParameterValue] => [name, Number.isSafeInteger(value) ? BigInt(value) : value]),
  };
}

function inputTensor(name: string, value: Tensor | TensorSource): Tensor {
  try {
    return value instanceof Tensor ? value : Tensor.from(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use input '${name}': ${reason}`, { cause });
  }
}
