/**
 * From the text of a flag's value to what it means: numbers, words, pairs, `<name>,<setting>=<value>`.
 * Every function throws a CommandError with `tritonserver`'s own text; the caller names the flag.
 *
 * @module
 */
import { headerPattern } from "../kserve/header_forwarding.ts";
import { CommandError } from "./errors.ts";

/** The settings of several groups: group, setting, value. */
export type SettingGroups = Record<string, Record<string, string>>;

/** true, on, 1, false, off or 0, in any case. */
export function parseBoolean(text: string): boolean {
  switch (text.toLowerCase()) {
    case "true":
    case "on":
    case "1":
      return true;
    case "false":
    case "off":
    case "0":
      return false;
  }
  throw new CommandError(`invalid value for bool option: ${text}`);
}

const INT32_MAX = 2 ** 31 - 1;

/** A decimal integer from `min` (default -2^31) to `max` (default 2^31 - 1). */
export function parseInteger(
  text: string,
  min: number = -INT32_MAX - 1,
  max: number = INT32_MAX,
): number {
  // tritonserver stops at the first character that is no digit, so `80O1` is port 80 there. That has
  // never been what somebody meant.
  if (!/^\s*[+-]?\d+$/.test(text)) throw notThatValue(text);
  const value = Number(text);
  if (value < min || value > max) throw outOfBound(text);
  return value;
}

/** A count of bytes: an integer from 0 to 2^53 - 1. */
export function parseByteSize(text: string): number {
  return parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
}

/** A TCP port; 0 lets the system choose one. */
export function parsePort(text: string): number {
  return parseInteger(text, 0, 65535);
}

/** A decimal number, with or without a fraction. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw notThatValue(text);
  if (!Number.isFinite(value)) throw outOfBound(text);
  return value;
}

/** One of `words`, in any case. `flag` is how tritonserver spells the flag in this message. */
export function parseWord<const W extends string>(
  text: string,
  flag: string,
  words: readonly W[],
): W {
  const lower = text.toLowerCase();
  const word = words.find((word) => word === lower);
  if (word === undefined) throw new CommandError(`invalid argument for --${flag}`);
  return word;
}

/** A regular expression, as its text. */
export function parsePattern(text: string): string {
  try {
    headerPattern(text);
  } catch {
    throw new CommandError(`Invalid regular expression. Got ${text}`);
  }
  return text;
}

/** Two texts around the first `separator`. */
export function parsePair(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  if (at < 0) {
    throw new CommandError(
      "Cannot parse pair option due to incorrect number of inputs.--<pair option> argument requires " +
        `format <first>${separator}<second>. Found: ${text}`,
    );
  }
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** `<name>,<setting>=<value>` with another text or sign in the place of the comma; nothing may be empty. */
export function parseSetting(
  text: string,
  options: { flag: string; nameIs: string; separator: "," | ":" },
): { name: string; setting: string; value: string } {
  const { flag, nameIs, separator } = options;
  const nameEnd = text.indexOf(separator);
  const settingEnd = text.indexOf("=", nameEnd + 1);
  const name = text.slice(0, Math.max(nameEnd, 0));
  const setting = text.slice(nameEnd + 1, Math.max(settingEnd, 0));
  const value = text.slice(settingEnd + 1);
  if (nameEnd < 0 || settingEnd < 0 || name === "" || setting === "" || value === "") {
    throw new CommandError(
      `--${flag} option format is '<${nameIs}>${separator}<setting>=<value>'. Got ${text}`,
    );
  }
  return { name, setting, value };
}

/** `<backend>,<setting>=<value>`, or `<setting>=<value>` for all backends, whose name is then empty. */
export function parseBackendSetting(
  text: string,
): { name: string; setting: string; value: string } {
  if (text.startsWith(",")) {
    throw new CommandError(
      "No backend specified. --backend-config option format is <backend name>,<setting>=<value> or " +
        `<setting>=<value>. Got ${text}`,
    );
  }
  const nameEnd = text.indexOf(",");
  const [, setting, value] = /^([^=]+)=(.+)$/s.exec(text.slice(nameEnd + 1)) ?? [];
  if (setting === undefined || value === undefined) {
    throw new CommandError(
      `--backend-config option format is '<backend name>,<setting>=<value>'. Got ${text}`,
    );
  }
  return { name: text.slice(0, Math.max(nameEnd, 0)), setting, value };
}

/** `<cache>,<setting>=<value>`. */
export function parseCacheSetting(text: string): { name: string; setting: string; value: string } {
  if (text.indexOf(",") <= 0) {
    throw new CommandError(
      "No cache specified. --cache-config option format is <cache name>,<setting>=<value>. Got " +
        text,
    );
  }
  return parseSetting(text, { flag: "cache-config", nameIs: "cache name", separator: "," });
}

/** `<setting>=<value>` of the metrics; only the value may have commas. */
export function parseMetricsSetting(text: string): { setting: string; value: string } {
  const [, setting, value] = /^([^=,]+)=(.+)$/s.exec(text) ?? [];
  if (setting === undefined || value === undefined) {
    throw new CommandError(
      `--metrics-config option format is <setting>=<value>. Got ${text}`,
    );
  }
  return { setting, value };
}

/** `<name>:<count>` or `<name>:<count>:<device>`; device -1 stands for every device. */
export function parseRateLimiterResource(
  text: string,
): { name: string; count: number; device: number } {
  const [name, count, device, ...rest] = text.split(":");
  if (count === undefined || rest.length > 0) {
    throw new CommandError(
      "--rate-limit-resource option format is '<resource_name>:<count>:<device>' or " +
        `'<resource_name>:<count>'. Got ${text}`,
    );
  }
  return {
    name,
    count: parseInteger(count),
    device: device === undefined ? -1 : parseInteger(device),
  };
}

/** Sets one value in a record of records. */
export function addSetting(
  groups: SettingGroups,
  { name, setting, value }: { name: string; setting: string; value: string },
): void {
  (groups[name] ??= {})[setting] = value;
}

function notThatValue(text: string): CommandError {
  return new CommandError(`Invalid option value. Got ${text}`);
}

function outOfBound(text: string): CommandError {
  return new CommandError(`Provided option value is out of bound. Got ${text}`);
}
