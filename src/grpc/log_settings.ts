/**
 * LogSettings: reading and changing the log settings of the process.
 *
 * @module
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type LogSettingsRequest,
  type LogSettingsRequest_SettingValue,
  type LogSettingsResponse,
  type LogSettingsResponse_SettingValueSchema,
  LogSettingsResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import type { Engine, LogSettings } from "../engine.ts";
import { TritonError } from "../errors.ts";

type Value = LogSettingsRequest_SettingValue["parameterChoice"];

/**
 * Applies the settings one after the other, so that those before a bad one stay; keys that Triton does
 * not know are ignored. Answers with all settings.
 */
export function applyLogSettings(engine: Engine, request: LogSettingsRequest): LogSettingsResponse {
  const { settings } = request;
  if (settings.log_file !== undefined) {
    throw new TritonError(
      "UNSUPPORTED",
      "log file location can not be updated through network protocol",
    );
  }
  for (const [key, setting] of SWITCHES) {
    const value = settings[key]?.parameterChoice;
    if (value !== undefined) engine.updateLogSettings({ [setting]: boolean(key, value) });
  }
  const level = settings.log_verbose_level?.parameterChoice;
  if (level !== undefined) engine.updateLogSettings({ verboseLevel: verboseLevel(level) });
  const format = settings.log_format?.parameterChoice;
  if (format !== undefined) engine.updateLogSettings({ format: logFormat(format) });
  return describe(engine.logSettings());
}

/** In the order in which Triton applies them. */
const SWITCHES = [
  ["log_info", "info"],
  ["log_warning", "warning"],
  ["log_error", "error"],
] as const;

function boolean(key: string, value: Value): boolean {
  if (value.case !== "boolParam") throw invalid(`expect boolean for '${key}'`);
  return value.value;
}

/** Triton stores a signed number and takes a negative one for 0. */
function verboseLevel(value: Value): number {
  if (value.case !== "uint32Param") throw invalid("expect int32 for 'log_verbose_level'");
  return Math.max(0, value.value | 0);
}

function logFormat(value: Value): LogSettings["format"] {
  if (value.case !== "stringParam") throw invalid("expect string for 'log_format'");
  if (value.value !== "default" && value.value !== "ISO8601") {
    throw invalid(`invalid argument for log_format, got: ${value.value}`);
  }
  return value.value;
}

function describe(settings: LogSettings): LogSettingsResponse {
  return create(LogSettingsResponseSchema, {
    settings: {
      log_file: text(settings.file),
      log_info: flag(settings.info),
      log_warning: flag(settings.warning),
      log_error: flag(settings.error),
      log_verbose_level: {
        parameterChoice: { case: "uint32Param", value: settings.verboseLevel },
      },
      log_format: text(settings.format),
    },
  });
}

type Setting = MessageInitShape<typeof LogSettingsResponse_SettingValueSchema>;

function text(value: string): Setting {
  return { parameterChoice: { case: "stringParam", value } };
}

function flag(value: boolean): Setting {
  return { parameterChoice: { case: "boolParam", value } };
}

function invalid(message: string): TritonError {
  return new TritonError("INVALID_ARG", message);
}
