/**
 * The backend on `Deno.dlopen`. No policy: it only maps kinds and moves values.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { ForeignFunction, Functions, Kind, SymbolTable } from "./symbols.ts";

/** Deno's names of the neutral kinds. Addresses are plain integers, not pointer objects. */
const TYPES: Record<Kind, Deno.NativeResultType> = {
  ptr: "usize",
  cstr: "buffer",
  out: "buffer",
  buf: "buffer",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  usize: "usize",
  f64: "f64",
  bool: "bool",
  void: "void",
};

/** The part of the `Deno` namespace that is used here. */
export type DenoFfi = Pick<
  typeof Deno,
  "dlopen" | "UnsafePointer" | "UnsafePointerView" | "UnsafeCallback"
>;

/** Makes the backend from the `Deno` namespace. */
export function createDenoBackend(deno: DenoFfi): Backend {
  const kept: unknown[] = [];
  const pointer = (address: number) => {
    const made = deno.UnsafePointer.create(BigInt(address));
    if (made === null) throw new Error("Cannot read memory at address 0");
    return made;
  };
  return {
    open<T extends SymbolTable>(path: string, table: T): Functions<T> {
      const symbols = Object.fromEntries(
        Object.entries(table).map(([name, { args, returns }]: [string, ForeignFunction]) => [
          name,
          {
            parameters: args.map((kind) => TYPES[kind] as Deno.NativeType),
            result: TYPES[returns],
          },
        ]),
      );
      return deno.dlopen(path, symbols).symbols as unknown as Functions<T>;
    },
    view(address: number, byteSize: number): Uint8Array {
      if (byteSize === 0) return new Uint8Array(0);
      return new Uint8Array(deno.UnsafePointerView.getArrayBuffer(pointer(address), byteSize));
    },
    text(address: number): string {
      return address === 0 ? "" : deno.UnsafePointerView.getCString(pointer(address));
    },
    callback(handler: () => void): number {
      const callback = deno.UnsafeCallback.threadSafe(
        { parameters: [], result: "void" },
        handler,
      );
      callback.unref();
      kept.push(callback);
      return Number(deno.UnsafePointer.value(callback.pointer));
    },
  };
}
