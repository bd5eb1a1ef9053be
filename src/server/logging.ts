/**
 * The log settings. They belong to the process, whichever server changes them.
 *
 * @module
 */
import { cString, type Native } from "../../ffi/native.ts";
import type { LogSettings } from "../engine.ts";

/** The C library cannot be asked for its settings, so they are remembered here. */
const current: LogSettings = {
  file: "",
  info: true,
  warning: true,
  error: true,
  verboseLevel: 0,
  format: "default",
};

/** The settings of the process. */
export function logSettings(): LogSettings {
  return { ...current };
}

/** Changes the given settings, in the order file, info, warning, error, verbose, format. */
export function updateLogSettings(native: Native, settings: Partial<LogSettings>): void {
  const { file, info, warning, error, verboseLevel, format } = settings;
  if (file !== undefined && file !== current.file) {
    native.set("TRITONSERVER_ServerOptionsSetLogFile", 0, cString(file));
    current.file = file;
  }
  if (info !== undefined) {
    native.set("TRITONSERVER_ServerOptionsSetLogInfo", 0, info);
    current.info = info;
  }
  if (warning !== undefined) {
    native.set("TRITONSERVER_ServerOptionsSetLogWarn", 0, warning);
    current.warning = warning;
  }
  if (error !== undefined) {
    native.set("TRITONSERVER_ServerOptionsSetLogError", 0, error);
    current.error = error;
  }
  if (verboseLevel !== undefined) {
    native.set("TRITONSERVER_ServerOptionsSetLogVerbose", 0, verboseLevel);
    current.verboseLevel = verboseLevel;
  }
  if (format !== undefined) {
    native.set("TRITONSERVER_ServerOptionsSetLogFormat", 0, format === "ISO8601" ? 1 : 0);
    current.format = format;
  }
}
