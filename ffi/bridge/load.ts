/**
 * Loads the bridge into the process. The prebuilt library for this machine is embedded in this package;
 * it goes into an anonymous file in memory, so that nothing is written where the user did not ask for
 * it. Where that is forbidden a private temporary file serves, and where no prebuilt one runs, the C
 * compiler of the machine and the source.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Backend } from "../backend.ts";
import type { Functions, SymbolTable } from "../symbols.ts";
import { bridgeSymbols } from "./symbols.ts";

/** The C files of the bridge, which make one library. */
export const SOURCES: readonly string[] = ["bridge.c", "loop.c", "memory.c", "net.c"];

/** The files that these include. */
export const HEADERS: readonly string[] = ["loop.h"];

/** The functions of the bridge. */
export type BridgeFunctions = Functions<typeof bridgeSymbols>;

/** `BRIDGE_VERSION` of the bridge.c that this package was written against. */
const BRIDGE_VERSION = 4;

/**
 * By this name the loader knows the bridge once it is in the process: whoever loads it next, such as a
 * second copy of this package, finds the same one.
 */
const NAME = `libtriton_ts_bridge_${BRIDGE_VERSION}.so`;

/**
 * How a bridge is linked, beside the ordinary. It must stay when a runtime closes its libraries at its
 * end: threads of the bridge and of Triton still run in it then.
 */
export const BRIDGE_LINK_FLAGS: readonly string[] = [
  `-Wl,-soname,${NAME}`,
  "-Wl,-z,nodelete",
  "-Wl,--build-id=none",
];

const libc = {
  memfd_create: { args: ["cstr", "u32"], returns: "i32" },
  write: { args: ["i32", "buf", "usize"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const satisfies SymbolTable;

const CLOSE_ON_EXEC = 1;

let loaded: Promise<BridgeFunctions> | undefined;

/** The bridge's functions; the library is loaded at the first call. */
export function loadBridge(backend: Backend): Promise<BridgeFunctions> {
  loaded ??= load(backend);
  return loaded;
}

async function load(backend: Backend): Promise<BridgeFunctions> {
  if (platform() !== "linux") {
    throw new Error(
      `Cannot load the bridge to Triton on ${platform()}: Triton runs on Linux only; ` +
        "run this in a Linux machine or container",
    );
  }
  const failures: string[] = [];
  for (const way of [fromProcess, fromMemory, fromTemporaryFile, fromSource]) {
    try {
      const functions = await way(backend);
      const version = functions.tts_version();
      if (version !== BRIDGE_VERSION) {
        throw new Error(`it has version ${version}, this package needs ${BRIDGE_VERSION}`);
      }
      return functions;
    } catch (error) {
      failures.push(`${way.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(
    `Cannot load the bridge to Triton: ${failures.join("; ")}. ` +
      "On Deno, run with --allow-ffi (without a path); else install a C compiler (gcc)",
  );
}

async function prebuilt(): Promise<Uint8Array> {
  const built = arch() === "x64"
    ? await import("./prebuilt/linux_x86_64.ts")
    : arch() === "arm64"
    ? await import("./prebuilt/linux_aarch64.ts")
    : undefined;
  if (!built) throw new Error(`there is no prebuilt bridge for ${arch()}`);
  const library = Uint8Array.fromBase64(built.base64);
  if (createHash("sha256").update(library).digest("hex") !== built.sha256) {
    throw new Error("the embedded library is damaged: its SHA-256 differs");
  }
  return library;
}

function fromProcess(backend: Backend): BridgeFunctions {
  return backend.open(NAME, bridgeSymbols);
}

async function fromMemory(backend: Backend): Promise<BridgeFunctions> {
  const library = await prebuilt();
  const { memfd_create, write, close } = backend.open("libc.so.6", libc);
  const file = memfd_create(new TextEncoder().encode("triton-ts-bridge\0"), CLOSE_ON_EXEC);
  if (file < 0) throw new Error("memfd_create failed");
  try {
    for (let at = 0; at < library.length;) {
      const written = Number(write(file, library.subarray(at), library.length - at));
      if (written <= 0) throw new Error("cannot write to the memory file");
      at += written;
    }
    return backend.open(`/proc/self/fd/${file}`, bridgeSymbols);
  } finally {
    close(file);
  }
}

async function fromTemporaryFile(backend: Backend): Promise<BridgeFunctions> {
  const library = await prebuilt();
  return inPrivateFolder((path) => {
    writeFileSync(path, library, { mode: 0o700 });
    return backend.open(path, bridgeSymbols);
  });
}

async function fromSource(backend: Backend): Promise<BridgeFunctions> {
  const names = [...SOURCES, ...HEADERS];
  const texts = await Promise.all(names.map(async (name) => {
    return await (await fetch(new URL(`./${name}`, import.meta.url))).text();
  }));
  return inPrivateFolder((path) => {
    const inFolder = (name: string) => join(dirname(path), name);
    names.forEach((name, index) => writeFileSync(inFolder(name), texts[index]));
    const files = SOURCES.map(inFolder);
    const flags = ["-std=c11", "-O2", "-fPIC", "-shared", ...BRIDGE_LINK_FLAGS];
    const done = spawnSync("cc", [...flags, "-o", path, ...files, "-lpthread", "-ldl", "-lrt"], {
      encoding: "utf8",
    });
    if (done.status !== 0) throw new Error(String(done.error ?? done.stderr));
    return backend.open(path, bridgeSymbols);
  });
}

/** The library may be unlinked as soon as it is mapped. */
function inPrivateFolder<T>(use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-"));
  try {
    return use(join(folder, "bridge.so"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
