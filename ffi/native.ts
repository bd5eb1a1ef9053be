/**
 * Triton's C API as typed functions: texts in and out, errors as exceptions, no raw return code. What
 * can block is not here but goes through the queue's `call`.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import { NativeError } from "./error.ts";
import type { Functions, tritonserver } from "./symbols.ts";

type Api = Functions<typeof tritonserver>;
type Name = keyof Api;

const encoder = new TextEncoder();
const UNSUPPORTED = 5;
const MAX_NAMES = 256;

/** A NUL-terminated text for a C function. A NUL within it ends it there, as it would in C. */
export function cString(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}

/** Room for one out-parameter of up to 8 bytes. */
class Out {
  readonly bytes = new Uint8Array(8);
  readonly #view = new DataView(this.bytes.buffer);
  get address(): number {
    return Number(this.#view.getBigUint64(0, true));
  }
  get u32(): number {
    return this.#view.getUint32(0, true);
  }
  get bool(): boolean {
    return this.bytes[0] !== 0;
  }
}

/** The C API over an open library. */
export class Native {
  readonly #backend: Backend;
  readonly #api: Api;
  /** Used by one call at a time. */
  readonly #flags = new Out();
  readonly #unused = new Out();
  readonly #names = new Map<string, Uint8Array>();

  constructor(backend: Backend, api: Api) {
    this.#backend = backend;
    this.#api = api;
  }

  /** Major and minor version of the library's API. */
  apiVersion(): [number, number] {
    const major = new Out();
    const minor = new Out();
    this.#check(this.#function("TRITONSERVER_ApiVersion")(major.bytes, minor.bytes));
    return [major.u32, minor.u32];
  }

  /** Makes a server options object; the caller deletes it. */
  newOptions(): number {
    const out = new Out();
    this.#check(this.#function("TRITONSERVER_ServerOptionsNew")(out.bytes));
    return out.address;
  }

  /** Deletes a server options object. */
  deleteOptions(options: number): void {
    this.#check(this.#function("TRITONSERVER_ServerOptionsDelete")(options));
  }

  /** Calls a function of the C API that only sets something: any that returns nothing but an error. */
  set<K extends Name>(name: K, ...args: Parameters<Api[K]>): void {
    const call = this.#function(name) as (...args: unknown[]) => number | bigint | null;
    this.#check(call(...args));
  }

  /** A state of the server at `server`. */
  serverIs(what: "Live" | "Ready", server: number): boolean {
    const call = what === "Live"
      ? this.#function("TRITONSERVER_ServerIsLive")
      : this.#function("TRITONSERVER_ServerIsReady");
    this.#check(call(server, this.#flags.bytes));
    return this.#flags.bool;
  }

  /** Whether a model is ready. */
  modelIsReady(server: number, model: string, version: number | bigint): boolean {
    const call = this.#function("TRITONSERVER_ServerModelIsReady");
    this.#check(call(server, this.#name(model), version, this.#flags.bytes));
    return this.#flags.bool;
  }

  /** The bit field of a model's batch or transaction properties. */
  modelProperties(
    what: "Batch" | "Transaction",
    server: number,
    model: string,
    version: number | bigint,
  ): number {
    const call = what === "Batch"
      ? this.#function("TRITONSERVER_ServerModelBatchProperties")
      : this.#function("TRITONSERVER_ServerModelTransactionProperties");
    this.#check(call(server, this.#name(model), version, this.#flags.bytes, this.#unused.bytes));
    return this.#flags.u32;
  }

  /** The server's metadata as JSON. */
  serverMetadata(server: number): Uint8Array {
    return this.#message((out) => this.#function("TRITONSERVER_ServerMetadata")(server, out));
  }

  /** Metadata or statistics of a model as JSON. */
  modelMessage(
    what: "Metadata" | "Statistics",
    server: number,
    model: string,
    version: number | bigint,
  ): Uint8Array {
    const name = cString(model);
    return this.#message((out) =>
      this.#function(`TRITONSERVER_ServerModel${what}`)(server, name, version, out)
    );
  }

  /** A model's configuration, in the form of version 1, as JSON. */
  modelConfig(server: number, model: string, version: number | bigint): Uint8Array {
    const name = cString(model);
    return this.#message((out) =>
      this.#function("TRITONSERVER_ServerModelConfig")(server, name, version, 1, out)
    );
  }

  /** The JSON of a message object at `message`, which is deleted. */
  takeMessage(message: number): Uint8Array {
    try {
      const base = new Out();
      const size = new Out();
      this.#check(
        this.#function("TRITONSERVER_MessageSerializeToJson")(message, base.bytes, size.bytes),
      );
      return this.#backend.view(base.address, size.address).slice();
    } finally {
      this.#check(this.#function("TRITONSERVER_MessageDelete")(message));
    }
  }

  /** The process's metrics as Prometheus text. */
  metrics(server: number): Uint8Array {
    const metrics = new Out();
    this.#check(this.#function("TRITONSERVER_ServerMetrics")(server, metrics.bytes));
    try {
      const base = new Out();
      const size = new Out();
      this.#check(
        this.#function("TRITONSERVER_MetricsFormatted")(
          metrics.address,
          0,
          base.bytes,
          size.bytes,
        ),
      );
      return this.#backend.view(base.address, size.address).slice();
    } finally {
      this.#check(this.#function("TRITONSERVER_MetricsDelete")(metrics.address));
    }
  }

  /** The label of a class of a kept response's output, undefined when there is none. */
  classificationLabel(response: number, output: number, index: number): string | undefined {
    const out = new Out();
    this.#check(
      this.#function("TRITONSERVER_InferenceResponseOutputClassificationLabel")(
        response,
        output,
        index,
        out.bytes,
      ),
    );
    return out.address === 0 ? undefined : this.#backend.text(out.address);
  }

  /**
   * Makes a parameter object; the caller deletes it. A text is copied; of bytes only the pointer is
   * kept, so they must outlive the object.
   */
  newParameter(name: string, value: string | Uint8Array): number {
    const parameter = typeof value === "string"
      ? this.#function("TRITONSERVER_ParameterNew")(cString(name), 0, cString(value))
      : this.#function("TRITONSERVER_ParameterBytesNew")(cString(name), value, value.byteLength);
    const address = Number(parameter);
    if (address === 0) throw new NativeError(1, "unexpected error on creating Triton parameter");
    return address;
  }

  /** Deletes a parameter object. */
  deleteParameter(parameter: number): void {
    this.#function("TRITONSERVER_ParameterDelete")(parameter);
  }

  /** The name of a model for a C function; these are asked for again and again. */
  #name(model: string): Uint8Array {
    let name = this.#names.get(model);
    if (name === undefined) {
      if (this.#names.size >= MAX_NAMES) this.#names.clear();
      name = cString(model);
      this.#names.set(model, name);
    }
    return name;
  }

  #message(call: (out: Uint8Array) => number | bigint | null): Uint8Array {
    const out = new Out();
    this.#check(call(out.bytes));
    return this.takeMessage(out.address);
  }

  #function<K extends Name>(name: K): Api[K] {
    const found = this.#api[name];
    if (!found) throw new NativeError(UNSUPPORTED, `this Triton library has no function ${name}`);
    return found;
  }

  #check(result: number | bigint | null): void {
    const error = Number(result);
    if (error === 0) return;
    const code = this.#api.TRITONSERVER_ErrorCode(error);
    const text = this.#backend.text(Number(this.#api.TRITONSERVER_ErrorMessage(error)));
    this.#api.TRITONSERVER_ErrorDelete(error);
    throw new NativeError(code, text);
  }
}
