/**
 * Shared-memory objects as a client makes them.
 *
 * @module
 */
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";

/** The file of the object called `key`, with or without a slash at its beginning. */
function fileOf(key: string): string {
  return `/dev/shm/${key.replace(/^\/+/, "")}`;
}

/** Makes an object that holds `content`, or gives that to the one that there is. */
export function makeSharedMemory(key: string, content: Uint8Array): void {
  writeFileSync(fileOf(key), content);
}

/** What an object holds. */
export function readSharedMemory(key: string): Uint8Array {
  return new Uint8Array(readFileSync(fileOf(key)));
}

/** Cuts an object short, or makes it longer. */
export function truncateSharedMemory(key: string, byteSize: number): void {
  truncateSync(fileOf(key), byteSize);
}

/** Takes objects away. */
export function removeSharedMemory(...keys: readonly string[]): void {
  for (const key of keys) rmSync(fileOf(key), { force: true });
}
