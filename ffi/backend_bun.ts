/**
 * The backend on `bun:ffi`. No policy: it only maps kinds and moves values.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { ForeignFunction, Functions, Kind, SymbolTable } from "./symbols.ts";

/** `bun:ffi`'s names of the neutral kinds. Buffers are passed as `ptr`, which takes typed arrays. */
const TYPES: Record<Kind, string> = {
  ptr: "ptr",
  cstr: "ptr",
  out: "ptr",
  buf: "ptr",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  usize: "u64",
  f64: "f64",
  bool: "bool",
  void: "void",
};

/** The part of `bun:ffi` that is used here. */
export interface BunFfi {
  dlopen(path: string, symbols: never): { symbols: unknown };
  toArrayBuffer(pointer: never, offset: number, length: number): ArrayBuffer;
  CString: new (pointer: never) => { toString(): string };
  JSCallback: new (
    handler: () => void,
    definition: { args: []; returns: "void"; threadsafe: true },
  ) => { readonly ptr: number | null };
}

/** Makes the backend from the module `bun:ffi`. */
export function createBunBackend(ffi: BunFfi): Backend {
  const kept: unknown[] = [];
  return {
    open<T extends SymbolTable>(path: string, table: T): Functions<T> {
      const symbols = Object.fromEntries(
        Object.entries(table).map(([name, { args, returns }]: [string, ForeignFunction]) => [
          name,
          { args: args.map((kind) => TYPES[kind]), returns: TYPES[returns] },
        ]),
      );
      return ffi.dlopen(path, symbols as never).symbols as Functions<T>;
    },
    view(address: number, byteSize: number): Uint8Array {
      if (byteSize === 0) return new Uint8Array(0);
      return new Uint8Array(ffi.toArrayBuffer(address as never, 0, byteSize));
    },
    text(address: number): string {
      return address === 0 ? "" : new ffi.CString(address as never).toString();
    },
    callback(handler: () => void): number {
      const callback = new ffi.JSCallback(handler, { args: [], returns: "void", threadsafe: true });
      kept.push(callback);
      return Number(callback.ptr);
    },
  };
}
