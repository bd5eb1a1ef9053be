/**
 * Opens libtritonserver: a process has one, and each thread its own way to it.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { type Backend, loadBackend } from "./backend.ts";
import { type BridgeFunctions, loadBridge } from "./bridge/load.ts";
import type { DatatypeNames } from "./bridge/layout.ts";
import { Memory } from "./bridge/memory.ts";
import { Queue } from "./bridge/queue.ts";
import { loadReactor } from "./bridge/reactor.ts";
import { Native } from "./native.ts";
import { type ForeignFunction, type Functions, type SymbolTable, tritonserver } from "./symbols.ts";

/** The API that the table in symbols.ts was written against. A library must have the same major number. */
const API_MAJOR = 1;

/** The open library and everything that stands on it. */
export interface Library {
  /** The file that was opened. */
  readonly path: string;
  /** The C API with errors as exceptions. */
  readonly native: Native;
  /** Requests and long calls. */
  readonly queue: Queue;
  /** The memory of clients. */
  readonly memory: Memory;
}

let opened: Promise<Library> | undefined;

/**
 * Opens the library at `path`. A process has one: another path than the first is an error of the bridge,
 * because Triton keeps process-wide state.
 */
export async function openLibrary(path: string, datatypes: DatatypeNames): Promise<Library> {
  opened ??= open(path, datatypes).catch((error) => {
    opened = undefined;
    throw error;
  });
  const library = await opened;
  return library.path === path ? library : await open(path, datatypes);
}

async function open(path: string, datatypes: DatatypeNames): Promise<Library> {
  const backend = await loadBackend();
  const bridge = await loadBridge(backend);
  const failure = openNative(bridge, path, []) && openNative(bridge, path, siblingsOf(path));
  if (failure) throw new Error(`Cannot open the Triton library ${path}: ${failure}`);
  const encoder = new TextEncoder();
  // An older library may lack functions of the table; calling one of those is an error of its own.
  const present = Object.fromEntries(
    Object.entries(tritonserver as SymbolTable).filter(([name]: [string, ForeignFunction]) =>
      bridge.tts_has(encoder.encode(`${name}\0`)) === 1
    ),
  );
  const functions = openWhenUsed(backend, path, present) as Functions<typeof tritonserver>;
  const native = new Native(backend, functions);
  const [major, minor] = native.apiVersion();
  if (major !== API_MAJOR) {
    throw new Error(
      `Cannot use the Triton library ${path}: its API is ${major}.${minor}, this package needs ${API_MAJOR}.x`,
    );
  }
  // The memory of a Worker ends with it, whatever Triton still reads.
  const queue = new Queue(backend, await loadReactor(backend), datatypes, !isMainThread);
  return { path, native, queue, memory: new Memory(bridge) };
}

/**
 * The functions of `table`, each opened when it is first used: Deno compiles every function that it opens,
 * which takes 16 ms for all of them, and most are never called.
 */
function openWhenUsed(backend: Backend, path: string, table: SymbolTable): Functions<SymbolTable> {
  const functions = {} as Functions<SymbolTable>;
  for (const [name, declared] of Object.entries(table) as [string, ForeignFunction][]) {
    const open = () => {
      const value = backend.open(path, { [name]: declared })[name];
      Object.defineProperty(functions, name, { value });
      return value;
    };
    Object.defineProperty(functions, name, { get: open, configurable: true, enumerable: true });
  }
  return functions;
}

function openNative(bridge: BridgeFunctions, path: string, siblings: string[]): string {
  const encoder = new TextEncoder();
  const failure = new Uint8Array(4096);
  const length = bridge.tts_open(
    encoder.encode(`${path}\0`),
    encoder.encode(siblings.map((sibling) => `${sibling}\0`).join("") + "\0"),
    failure,
    failure.length,
  );
  return new TextDecoder().decode(failure.subarray(0, length));
}

/**
 * The libraries beside the one at `path`. In a wheel they have mangled names that only the executable's
 * own search path finds, so they are opened first, and the loader then matches them by name.
 */
function siblingsOf(path: string): string[] {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((name) => /\.so(\.|$)/.test(name))
    .map((name) => join(folder, name))
    .filter((sibling) => sibling !== path);
}
