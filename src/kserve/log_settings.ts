/**
 * The log settings as JSON.
 *
 * @module
 */
import type { Int64, LogSettings } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { JsonValue } from "./json/value.ts";
import { JsonWriter } from "./json/writer.ts";

/** The settings as Triton answers them. */
export function logSettingsJson(settings: LogSettings): Uint8Array<ArrayBuffer> {
  return new JsonWriter()
    .raw('{"log_file":').string(settings.file)
    .raw(',"log_info":').boolean(settings.info)
    .raw(',"log_warning":').boolean(settings.warning)
    .raw(',"log_error":').boolean(settings.error)
    .raw(',"log_verbose_level":').integer(settings.verboseLevel)
    .raw(',"log_format":').string(settings.format)
    .raw("}").bytes();
}

/**
 * Applies a log request. Members go one by one in a fixed order, so that those before a failing one
 * have been applied, as in Triton; null and unknown ones are ignored.
 *
 * @throws {TritonError} UNSUPPORTED for the log file; INTERNAL for values of the wrong type; UNAVAILABLE
 * (sic) for a format that does not exist.
 */
export function applyLogSettings(
  json: JsonValue,
  update: (settings: Partial<LogSettings>) => void,
): void {
  const member = (name: string) => {
    const value = json.member(name);
    return value?.isNull ? undefined : value;
  };
  if (member("log_file") !== undefined) {
    throw new TritonError(
      "UNSUPPORTED",
      "log file location can not be updated through network protocol",
    );
  }
  const info = member("log_info");
  if (info !== undefined) update({ info: info.asBoolean() });
  const warning = member("log_warning");
  if (warning !== undefined) update({ warning: warning.asBoolean() });
  const error = member("log_error");
  if (error !== undefined) update({ error: error.asBoolean() });
  const level = member("log_verbose_level");
  if (level !== undefined) update({ verboseLevel: verboseLevel(level.asUint64()) });
  const format = member("log_format")?.asString();
  if (format !== undefined) update({ format: checkFormat(format) });
}

/** Triton keeps the low 32 bits, and takes what is negative then for 0. */
function verboseLevel(level: Int64): number {
  return Math.max(0, Number(BigInt.asIntN(32, BigInt(level))));
}

function checkFormat(format: string): LogSettings["format"] {
  if (format === "default" || format === "ISO8601") return format;
  throw new TritonError("UNAVAILABLE", `invalid argument for --log_format, got: ${format}`);
}
