/**
 * The signals that ask the process to end. Deno and Bun both deliver them through `node:process`.
 *
 * @module
 */
import { constants } from "node:os";
import process from "node:process";

/** Calls `handler` with the number of every SIGINT and SIGTERM, which then no longer end the process. */
export function onStopSignal(handler: (signal: number) => void): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => handler(constants.signals[name]));
  }
}
