/**
 * TraceSetting: reading and changing trace settings.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import {
  type TraceSettingRequest,
  type TraceSettingResponse,
  TraceSettingResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import type { Engine } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { stoi } from "../kserve/c_string.ts";
import type { TraceLevel, TraceSettings, TraceUpdate } from "../kserve/trace_settings.ts";

/**
 * Changes what the request names and answers with the settings of its model, or those of all. Keys that
 * Triton does not know are ignored; an empty list clears a value.
 */
export function applyTraceSettings(
  engine: Engine,
  settings: TraceSettings,
  request: TraceSettingRequest,
): TraceSettingResponse {
  const model = request.modelName || undefined;
  if (model !== undefined) checkModel(engine, model);
  settings.update(parseUpdate(request), model);
  const members: Record<string, string | string[]> = JSON.parse(
    new TextDecoder().decode(settings.json(model)),
  );
  const entries = Object.entries(members).map(([key, value]) => [key, { value: [value].flat() }]);
  return create(TraceSettingResponseSchema, { settings: Object.fromEntries(entries) });
}

function checkModel(engine: Engine, model: string): void {
  try {
    engine.isDecoupled(model, -1);
  } catch (cause) {
    throw new TritonError("INVALID_ARG", `Request for unknown model : ${model}`, { cause });
  }
}

function parseUpdate({ settings }: TraceSettingRequest): TraceUpdate {
  if (settings.trace_file !== undefined) {
    throw new TritonError(
      "UNSUPPORTED",
      "trace file location can not be updated through network protocol",
    );
  }
  return {
    level: parseLevel(settings.trace_level?.value),
    rate: single("trace_rate", settings.trace_rate?.value, unsigned),
    count: single("trace_count", settings.trace_count?.value, parseCount),
    logFrequency: single("log_frequency", settings.log_frequency?.value, unsigned),
  };
}

/** Words that Triton does not know are ignored: a list of them alone changes nothing. */
function parseLevel(words: readonly string[] | undefined): TraceLevel[] | null | undefined {
  if (words === undefined) return undefined;
  if (words.length === 0) return null;
  if (words.includes("OFF")) {
    if (words.length > 1) throw invalid("Expect only one trace level 'OFF' is specified");
    return [];
  }
  const level = (["TIMESTAMPS", "TENSORS"] as const).filter((word) => words.includes(word));
  return level.length > 0 ? level : undefined;
}

function single(
  key: string,
  values: readonly string[] | undefined,
  parse: (key: string, text: string) => number,
): number | null | undefined {
  if (values === undefined) return undefined;
  if (values.length === 0) return null;
  if (values.length > 1) throw invalid(`expect only 1 value for '${key}'`);
  return parse(key, values[0]);
}

/** Triton reads these as signed and keeps them as unsigned, so that -1 is the largest. */
function unsigned(key: string, text: string): number {
  return integer(key, text, "[ 0, 4294967295 ]") >>> 0;
}

function parseCount(key: string, text: string): number {
  const count = integer(key, text, "[ -1, 2147483647 ]");
  if (count < -1) throw invalid(`Unable to parse '${key}'. Expecting value >= -1, got: ${text}`);
  return count;
}

function integer(key: string, text: string, range: string): number {
  const value = stoi(text);
  if (Number.isNaN(value)) throw invalid(`Unable to parse '${key}', got: ${text}`);
  if (!Number.isFinite(value)) {
    throw invalid(`Unable to parse '${key}', value is out of range ${range}, got: ${text}`);
  }
  return value;
}

function invalid(message: string): TritonError {
  return new TritonError("INVALID_ARG", message);
}
