/**
 * Trace settings: those of the server and those of single models, which follow the server's where they
 * say nothing themselves.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import { stoi } from "./c_string.ts";
import type { JsonValue } from "./json/value.ts";
import { JsonWriter } from "./json/writer.ts";

/** What a trace records. */
export type TraceLevel = "TIMESTAMPS" | "TENSORS";

/** Where traces go: files of Triton's own format, or an OpenTelemetry collector. */
export type TraceMode = "triton" | "opentelemetry";

/** The settings that can be changed while the server runs. */
export interface TraceSetting {
  /** Empty: tracing is off. Default: empty. */
  readonly level: readonly TraceLevel[];
  /** One request in this many is traced, from 0 to 4294967295. Default: 1000. */
  readonly rate: number;
  /** How many traces are still to be made; -1 for no limit. Default: -1. */
  readonly count: number;
  /** Traces a file; 0 for all in one. Default: 0. */
  readonly logFrequency: number;
}

/** How tracing starts, as Triton's `--trace-config` says. */
export interface TraceOptions extends Partial<TraceSetting> {
  /** Default: `triton`. */
  readonly mode?: TraceMode;
  /** The file that traces go to in mode `triton`. Default: none, so that tracing cannot be turned on. */
  readonly file?: string;
  /** Further options of the mode by name, in the order of the command line; they are shown as given. */
  readonly modeOptions?: readonly (readonly [string, string])[];
}

/** Fields that a request sets (a value), clears (null) or leaves alone (absent). */
export type TraceUpdate = { -readonly [Field in keyof TraceSetting]?: TraceSetting[Field] | null };

const DEFAULTS: TraceSetting = { level: [], rate: 1000, count: -1, logFrequency: 0 };

/** By the server's engine. */
const shared = new WeakMap<object, TraceSettings>();

/** The settings that the front ends of `engine` share when they were given none. */
export function traceSettingsOf(engine: object): TraceSettings {
  const settings = shared.get(engine) ?? new TraceSettings();
  shared.set(engine, settings);
  return settings;
}

/** The trace settings of a server, shared by its front ends. */
export class TraceSettings {
  /** Where traces go. */
  readonly mode: TraceMode;
  /** The file that traces go to; empty for none. */
  readonly file: string;
  readonly #modeOptions: readonly (readonly [string, string])[];
  readonly #startup: TraceSetting;
  #global: TraceSetting;
  /** Only the fields that were set for the model. */
  readonly #models = new Map<string, Partial<TraceSetting>>();

  /** The settings with which the server starts. */
  constructor(options: TraceOptions = {}) {
    const { mode = "triton", file = "", modeOptions = [], ...setting } = options;
    this.mode = mode;
    this.file = file;
    this.#modeOptions = modeOptions;
    this.#startup = { ...DEFAULTS, ...setting };
    this.#global = this.#startup;
  }

  /** The setting of `model`, or the server's. */
  get(model?: string): TraceSetting {
    return { ...this.#global, ...(model === undefined ? {} : this.#models.get(model)) };
  }

  /**
   * Changes the setting of `model`, or the server's. Fields that are cleared follow the server's setting
   * again, or go back to what the server started with.
   *
   * @throws {TritonError} INVALID_ARG when the result, or that of a model which follows it, could not
   * trace; nothing changes then.
   */
  update(update: TraceUpdate, model?: string): void {
    const fields: Partial<TraceSetting> = model === undefined
      ? this.#global
      : this.#models.get(model) ?? {};
    const changed: Record<string, unknown> = { ...fields };
    for (const [field, value] of Object.entries(update)) {
      if (value === null) delete changed[field];
      else if (value !== undefined) changed[field] = value;
    }
    const base = model === undefined ? this.#startup : this.#global;
    const result: TraceSetting = { ...base, ...changed };
    this.#check(result);
    if (model === undefined) {
      // Models that follow the server must still be able to trace.
      for (const own of this.#models.values()) this.#check({ ...result, ...own });
      this.#global = result;
    } else if (Object.keys(changed).length === 0) this.#models.delete(model);
    else this.#models.set(model, changed);
  }

  #check({ level, rate, count }: TraceSetting): void {
    if (level.length === 0) return;
    const fault = this.mode === "triton" && this.file === ""
      ? "trace file name is not given"
      : rate === 0
      ? "sample rate must be non-zero"
      // Triton gives no reason for this one.
      : count === 0
      ? ""
      : undefined;
    if (fault === undefined) return;
    throw new TritonError("INVALID_ARG", `Attempting to set invalid trace setting :${fault}`);
  }

  /** The setting of `model`, or the server's, as Triton answers it. */
  json(model?: string): Uint8Array<ArrayBuffer> {
    const { level, rate, count, logFrequency } = this.get(model);
    const writer = new JsonWriter().raw('{"trace_level":[');
    (level.length === 0 ? ["OFF"] : level).forEach((word, index) => {
      if (index > 0) writer.raw(",");
      writer.string(word);
    });
    writer.raw('],"trace_rate":').string(String(rate));
    writer.raw(',"trace_count":').string(String(count));
    if (this.mode === "triton") {
      writer.raw(',"log_frequency":').string(String(logFrequency));
      writer.raw(',"trace_file":').string(this.file);
    }
    writer.raw(',"trace_mode":').string(this.mode);
    for (const [name, value] of this.#modeOptions) {
      writer.raw(",").string(name).raw(":").string(value);
    }
    return writer.raw("}").bytes();
  }
}

/**
 * Reads a trace request. Unknown members are ignored.
 *
 * @throws {TritonError} UNSUPPORTED for the trace file; INTERNAL for values of the wrong type; INVALID_ARG
 * for levels that exclude each other and numbers that are none or out of range.
 */
export function parseTraceUpdate(json: JsonValue): TraceUpdate {
  const update: TraceUpdate = {};
  if (json.member("trace_file") !== undefined) {
    throw new TritonError(
      "UNSUPPORTED",
      "trace file location can not be updated through network protocol",
    );
  }
  const level = json.member("trace_level");
  if (level !== undefined) {
    if (level.isNull) update.level = null;
    else parseLevel(level, update);
  }
  const rate = json.member("trace_rate");
  if (rate !== undefined) update.rate = rate.isNull ? null : unsigned("trace_rate", rate);
  const count = json.member("trace_count");
  if (count !== undefined) update.count = count.isNull ? null : parseCount(count.asString());
  const frequency = json.member("log_frequency");
  if (frequency !== undefined) {
    update.logFrequency = frequency.isNull ? null : unsigned("log_frequency", frequency);
  }
  return update;
}

function parseLevel(json: JsonValue, update: TraceUpdate): void {
  const elements = json.asArray();
  const words = new Set<string>();
  for (const element of elements) {
    const word = element.asString();
    if (word === "OFF" && elements.length > 1) {
      throw new TritonError("INVALID_ARG", "Expect only one trace level 'OFF' is specified");
    }
    words.add(word);
  }
  const level = (["TIMESTAMPS", "TENSORS"] as const).filter((word) => words.has(word));
  if (words.has("OFF") || level.length > 0) update.level = level;
}

/** Triton reads these as signed and keeps them as unsigned, so that -1 is the largest. */
function unsigned(name: string, json: JsonValue): number {
  return integer(name, json.asString(), "[ 0, 4294967295 ]") >>> 0;
}

function parseCount(text: string): number {
  const count = integer("trace_count", text, "[ -1, 2147483647 ]");
  if (count < -1) {
    throw new TritonError(
      "INVALID_ARG",
      `Unable to parse 'trace_count'. Expecting value >= -1, got:${text}`,
    );
  }
  return count;
}

function integer(name: string, text: string, range: string): number {
  const value = stoi(text);
  if (Number.isNaN(value)) {
    throw new TritonError("INVALID_ARG", `Unable to parse '${name}', got: ${text}`);
  }
  if (!Number.isFinite(value)) {
    throw new TritonError(
      "INVALID_ARG",
      `Unable to parse '${name}', value is out of range ${range}, got: ${text}`,
    );
  }
  return value;
}
