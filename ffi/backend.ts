/**
 * The one place that asks which runtime this is. A backend turns the neutral symbol tables of this
 * folder into calls of `bun:ffi` or `Deno.dlopen`; nothing above it knows which.
 *
 * @module
 */
import type { Functions, SymbolTable } from "./symbols.ts";

/** What this project needs from a runtime's foreign-function interface. */
export interface Backend {
  /**
   * Opens the library at `path` and binds the functions of `table`. Throws when the library or one of
   * the functions is missing.
   */
  open<T extends SymbolTable>(path: string, table: T): Functions<T>;
  /** The memory at `address` itself, not a copy. Valid for as long as the memory is. */
  view(address: number, byteSize: number): Uint8Array;
  /** The NUL-terminated UTF-8 text at `address`. */
  text(address: number): string;
  /**
   * A function pointer that runs `handler` on this event loop, callable from any thread. It does not
   * keep the process alive, and is never freed: foreign threads may hold it to the end.
   */
  callback(handler: () => void): number;
}

let backend: Promise<Backend> | undefined;

/** The backend of the runtime that this runs on, loaded once. */
export function loadBackend(): Promise<Backend> {
  backend ??= chooseBackend();
  return backend;
}

async function chooseBackend(): Promise<Backend> {
  if ("Bun" in globalThis) {
    const { createBunBackend } = await import("./backend_bun.ts");
    return createBunBackend(await import("bun:ffi"));
  }
  if ("Deno" in globalThis) {
    const { createDenoBackend } = await import("./backend_deno.ts");
    return createDenoBackend(Deno);
  }
  throw new Error(
    "Cannot load a native library: this runs on neither Deno nor Bun; start it with one",
  );
}
