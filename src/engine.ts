/**
 * What the front ends need from a Triton server. `src/server/` implements it over the C library; unit
 * tests may implement it in memory. Front ends know nothing else of the server.
 *
 * @module
 */
import type { TritonError } from "./errors.ts";
import type { Settled } from "./settled.ts";
import type { Threads } from "./threads/threads.ts";

/** A 64-bit integer; a plain number where it is known to be exact. */
export type Int64 = number | bigint;

/** The value of a request or response parameter: bigint is an integer, number a double. */
export type ParameterValue = string | boolean | bigint | number;

/** A place in mapped memory (a shared-memory region) that the server reads or writes directly. */
export interface MemorySlice {
  /** The address of the first byte. */
  readonly address: number;
  /** The bytes that may be touched from there. */
  readonly byteSize: number;
  /** The number of the GPU whose memory it is; absent for system memory. */
  readonly gpu?: number;
}

/** Memory of a client that the server has mapped, until `unmap()`. */
export interface MappedMemory {
  /** The mapping itself, as the bridge knows it. */
  readonly handle: number;
  /** The address of the first byte. */
  readonly address: number;
  /** The number of the GPU whose memory it is; absent for system memory. */
  readonly gpu?: number;
  /**
   * Whether the first `byteSize` bytes are still the client's, who can cut the object short at any time.
   * Touching what it has cut off does no harm: zeros are there, and what is written is lost.
   */
  holds(byteSize: number): boolean;
  /** Gives the memory back, which nothing may use any more. Later calls do nothing. */
  unmap(): void;
}

/** Why memory could not be mapped. */
export interface MappingFailure {
  /**
   * `open`: there is no such memory, or it may not be opened; `size`: its size cannot be known; `range`:
   * it is smaller; `map`: the system cannot map it.
   */
  readonly failure: "open" | "size" | "range" | "map";
  /** The system's reason, as `strerror` has it. */
  readonly reason: string;
}

/** Maps memory of clients, for tensors to lie in. What is still mapped when the server has stopped is unmapped. */
export interface ClientMemory {
  /** Maps `byteSize` bytes from `offset` on of the POSIX shared-memory object `key`, to be read and written. */
  mapSystem(key: string, offset: Int64, byteSize: Int64): MappedMemory | MappingFailure;
  /** Opens `byteSize` bytes of a GPU's memory by the 64 bytes of a CUDA IPC handle. */
  mapCuda(handle: Uint8Array, deviceId: Int64, byteSize: Int64): MappedMemory | MappingFailure;
}

/** One input tensor of a request. */
export interface EngineInput {
  /** The tensor's name. */
  readonly name: string;
  /** A protocol name; unknown names are passed on as invalid and refused by the server. */
  readonly datatype: string;
  /** The dimensions, outermost first. */
  readonly shape: readonly Int64[];
  /**
   * The tensor's bytes in Triton's layout: little-endian elements in row-major order; BYTES elements
   * each behind a 32-bit length. Not copied when large: they must stay unchanged until the call ends.
   */
  readonly data: Uint8Array | MemorySlice;
}

/** An output that the client asked for by name. */
export interface EngineOutputRequest {
  /** The tensor's name. */
  readonly name: string;
  /** Where the server shall write this output instead of memory of its own. */
  readonly placement?: MemorySlice;
}

/** An inference request as the server takes it: protocol parsing is done, nothing is validated. */
export interface EngineRequest {
  /** The model's name. */
  readonly modelName: string;
  /** -1 lets the model's version policy choose. */
  readonly modelVersion: Int64;
  /** The request's id, which the response and error texts repeat; empty or absent for none. */
  readonly id?: string;
  /** Bit 1: sequence start, bit 2: sequence end. */
  readonly flags?: number;
  /** The sequence, as a number or a text; 0 or absent for none. */
  readonly correlationId?: Int64 | string;
  /** The priority in the model's queue; 0 or absent for the model's default. */
  readonly priority?: Int64;
  /** The time-out in the model's queue, in microseconds; 0 or absent for none. */
  readonly timeoutMicroseconds?: Int64;
  /** The input tensors. */
  readonly inputs: readonly EngineInput[];
  /** The bytes of the model's only input, whose name and shape the server deduces. Excludes `inputs`. */
  readonly rawInput?: Uint8Array;
  /** Empty or absent: all outputs. */
  readonly outputs?: readonly EngineOutputRequest[];
  /** In order; a name may come twice. */
  readonly parameters?: readonly (readonly [string, ParameterValue])[];
  /** Set when the responses' `label()` will be asked for (classification). */
  readonly wantsLabels?: boolean;
  /**
   * Called exactly once, when the server uses none of the request's memory any more: after the final
   * response, or when the request was refused. Must not throw.
   */
  readonly onReleased?: () => void;
}

/** One output tensor of a response. */
export interface EngineOutput {
  /** The tensor's name. */
  readonly name: string;
  /** The data type by its protocol name. */
  readonly datatype: string;
  /** The dimensions, outermost first. */
  readonly shape: readonly number[];
  /**
   * The tensor's bytes, in memory of the bridge: valid until the response is released. Empty when the
   * output was written to the place that the request named.
   */
  readonly data: Uint8Array;
  /** The size of the tensor in bytes, also where `data` is empty because it was placed. */
  readonly byteSize: number;
}

/** One response of the server to a request. A decoupled model sends any number of them. */
export interface EngineResponse {
  /** Set when this response is a failure; the outputs are then empty. */
  readonly error?: TritonError;
  /** True on the last response to the request. */
  readonly final: boolean;
  /**
   * False for a bare end mark: a decoupled model has said that nothing more comes, and this object
   * carries nothing but `final`.
   */
  readonly hasContent: boolean;
  /** The model that answered. */
  readonly modelName: string;
  /** The version that ran, in decimal. */
  readonly modelVersion: string;
  /** The request's id, empty for none. */
  readonly id: string;
  /** The response's parameters, in the model's order. */
  readonly parameters: readonly (readonly [string, ParameterValue])[];
  /** In the order in which the model made them. */
  readonly outputs: readonly EngineOutput[];
  /**
   * The label of class `classIndex` of the output at `outputIndex`; undefined when the model's label
   * file has none. Only for requests that said `wantsLabels`, and only before `release()`.
   */
  label(outputIndex: number, classIndex: number): string | undefined;
  /** Gives the output memory back. Must be called once per response; later calls do nothing. */
  release(): void;
}

/** An inference under way. */
export interface EngineCall {
  /** Asks the model to stop. The responses still come, the last one marked final. Idempotent. */
  cancel(): void;
  /**
   * Lets the model wait with its next response, or go on: for a reader who is slower than the model. The
   * responses that are under way still come. The model instance serves nobody else while it waits, so a
   * reader who is gone must be cancelled, which lets the model go on.
   */
  hold(held: boolean): void;
}

/**
 * What the server calls for every response; the last call has `final`. Must not throw. Nothing needs to be
 * returned: see {@link Settled}.
 */
export type ResponseHandler = (response: EngineResponse) => Settled;

/** Parameters of a model load: texts (`config`), or file contents (`file:<path>`). */
export type LoadParameters = ReadonlyMap<string, string | Uint8Array>;

/** The log settings of the process. */
export interface LogSettings {
  /** The file that log lines go to; empty for the console. */
  file: string;
  /** Whether information is logged. */
  info: boolean;
  /** Whether warnings are logged. */
  warning: boolean;
  /** Whether errors are logged. */
  error: boolean;
  /** The level of verbose logging, 0 for none. */
  verboseLevel: number;
  /** The form of the lines. */
  format: "default" | "ISO8601";
}

/** Something that serves an engine's models and must stop before it does. */
export interface Frontend {
  /** Lets running requests end, for so many milliseconds at the most, then closes everything. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * A running Triton server, as inferences and questions see it. Every method throws (or rejects with) a
 * TritonError that carries Triton's code and text; after the server stopped they throw UNAVAILABLE.
 *
 * Texts that the C library makes as JSON are handed out as its UTF-8 bytes, untouched. They are copies.
 */
export interface InferenceEngine {
  /** True from the end of the start until the stop begins. */
  readonly running: boolean;

  /** Whether the server works at all. */
  isLive(): boolean;
  /** Whether the server, and with strict readiness every model, can serve. */
  isReady(): boolean;
  /** Whether a model can serve. */
  isModelReady(name: string, version: Int64): boolean;
  /** `{"name", "version", "extensions"}` */
  serverMetadataJson(): Uint8Array;
  /** `{"name", "versions", "platform", "inputs", "outputs"}` */
  modelMetadataJson(name: string, version: Int64): Uint8Array;
  /** The model's configuration, completed, with the field names of `model_config.proto`. */
  modelConfigJson(name: string, version: Int64): Uint8Array;
  /** Statistics of one model, or of all with an empty name. */
  modelStatisticsJson(name: string, version: Int64): Uint8Array;
  /** Whether the model may send other than one response to a request. */
  isDecoupled(name: string, version: Int64): boolean;
  /** Whether the model's shapes begin with a batch dimension. */
  hasBatchDimension(name: string, version: Int64): boolean;
  /** `[{"name", "version", "state", "reason"}]` */
  repositoryIndexJson(readyOnly: boolean): Promise<Uint8Array>;

  /**
   * Sends a request. Errors that the server finds at once are thrown, and `onResponse` is then never
   * called; otherwise it is called until a response is final, never from within this call. Either way
   * the request's `onReleased` is called in the end.
   */
  infer(request: EngineRequest, onResponse: ResponseHandler): EngineCall;
  /** Prometheus text of the process's metrics. */
  metricsText(): Uint8Array;
}

/** A running Triton server, as a front end sees it: also what is in one place for all threads. */
export interface Engine extends InferenceEngine {
  /** Maps the memory of clients. Throws UNAVAILABLE when not running. */
  readonly clientMemory: ClientMemory;
  /** Other event loops that can serve the models; absent for an engine that has none. */
  readonly threads?: Threads;

  /** Registers a front end to be stopped before the server. Throws UNAVAILABLE when not running. */
  attach(frontend: Frontend): void;
  /** Takes a front end out again, as the last step of its own stop. */
  detach(frontend: Frontend): void;

  /** Loads or reloads a model; resolves when it is ready to serve. */
  loadModel(name: string, parameters?: LoadParameters): Promise<void>;
  /** Begins to unload a model; resolves at once, the model ends when its requests have. */
  unloadModel(name: string, options?: { unloadDependents?: boolean }): Promise<void>;

  /** The log settings of the process. */
  logSettings(): LogSettings;
  /** Changes the given settings at once, for the whole process. */
  updateLogSettings(settings: Partial<LogSettings>): void;
}
