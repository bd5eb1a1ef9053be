/**
 * Lines of our own in the log of the server: in its form, to its place, at its levels.
 *
 * @module
 */
import { appendFileSync } from "node:fs";
import process from "node:process";
import type { Engine, LogSettings } from "../engine.ts";

/** Writes `message` to the log of `engine`, unless that level is off. */
export function log(engine: Engine, level: "info" | "error", message: string): void {
  const settings = engine.logSettings();
  if (!settings[level]) return;
  const line = formatLogLine(settings.format, {
    level,
    message,
    time: new Date(),
    pid: process.pid,
  });
  if (settings.file === "") console.error(line);
  else appendFileSync(settings.file, `${line}\n`);
}

/** A log line as Triton writes it, its time in UTC. */
export function formatLogLine(
  format: LogSettings["format"],
  { level, message, time, pid }: {
    level: "info" | "error";
    message: string;
    time: Date;
    pid: number;
  },
): string {
  const letter = level === "info" ? "I" : "E";
  const iso = time.toISOString();
  const head = format === "ISO8601"
    ? `${iso.slice(0, 19)}Z ${letter}`
    : `${letter}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`;
  // Triton names the source line of its call; nobody looks that up here, but parsers expect one.
  return `${head} ${pid} serve.ts:1] ${JSON.stringify(message)}`;
}
