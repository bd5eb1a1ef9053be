/**
 * The order in which the rooms of this project may import each other, as docs/architecture.md has it, and
 * what breaks it.
 *
 * @module
 */
import { posix } from "node:path";

/** A room: the files that it consists of, and what they may import. */
interface Room {
  readonly name: string;
  readonly files: RegExp;
  /** The other rooms that it may import. */
  readonly imports: readonly string[];
  /** The packages that it may import. Default: none. */
  readonly packages?: readonly string[];
  /** Whether it may name the globals of a runtime. */
  readonly runtimeGlobals?: boolean;
  /** Whether it does without the network. */
  readonly offline?: boolean;
}

/** The lowest rooms, which everything may import. */
const GROUND = ["values", "threads", "engine"];
const FRONT_END = [...GROUND, "frontend", "http1", "kserve", "net", "runtime"];
const CONNECT = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"];
const PACKAGE = "@triton-ts/frontend";

/** In the order of docs/architecture.md, from the ground up. The first room that fits a file is its room. */
export const ROOMS: readonly Room[] = [
  { name: "ffi", files: /^ffi\//, imports: [], runtimeGlobals: true, packages: ["bun:ffi"] },
  {
    name: "values",
    files:
      /^src\/(memory_pool|live_set|settled|bytes|errors|datatype|tensor|byte_strings|float16)\.ts$/,
    imports: [],
    offline: true,
  },
  { name: "threads", files: /^src\/threads\//, imports: ["values"], offline: true },
  { name: "engine", files: /^src\/engine\.ts$/, imports: ["values", "threads"], offline: true },
  { name: "runtime", files: /^src\/runtime\//, imports: ["values"], runtimeGlobals: true },
  {
    name: "net",
    files: /^src\/net\//,
    imports: ["values", "runtime", "ffi"],
    runtimeGlobals: true,
  },
  { name: "http1", files: /^src\/http1\//, imports: ["values", "net"] },
  { name: "setup", files: /^src\/setup\//, imports: ["values"] },
  { name: "kserve", files: /^src\/kserve\//, imports: GROUND, offline: true },
  { name: "frontend", files: /^src\/frontend\.ts$/, imports: [...GROUND, "http1"] },
  {
    name: "grpc",
    files: /^src\/grpc\//,
    imports: [...FRONT_END, "generated"],
    packages: CONNECT,
  },
  {
    name: "web",
    files: /^src\/web\//,
    imports: [...FRONT_END, "grpc", "generated"],
    packages: CONNECT,
  },
  { name: "http", files: /^src\/http\//, imports: [...FRONT_END, "web"], packages: ["hono"] },
  { name: "metrics", files: /^src\/metrics\//, imports: FRONT_END },
  { name: "server", files: /^src\/server\//, imports: [...GROUND, "setup", "ffi"] },
  {
    name: "worker",
    files: /^src\/worker\//,
    imports: [...FRONT_END, "http", "grpc", "server", "ffi"],
  },
  {
    name: "cli",
    files: /^(cli\.ts$|src\/cli\/)/,
    imports: [...FRONT_END, "http", "grpc", "metrics", "server", "setup", "generated", "manifest"],
    packages: CONNECT,
  },
  {
    name: "entry",
    files: /^mod\.ts$/,
    imports: [...FRONT_END, "http", "grpc", "metrics", "server", "setup"],
  },
  { name: "generated", files: /^proto\/gen\//, imports: [], packages: CONNECT },
  { name: "manifest", files: /^deno\.json$/, imports: [] },
  {
    name: "examples",
    files: /^(examples|docs)\//,
    imports: ["generated"],
    packages: [...CONNECT, PACKAGE, "hono"],
  },
  { name: "tools", files: /^proto\/generate\.ts$/, imports: [] },
  {
    name: "tests",
    files: /^(tests|bench)\//,
    imports: ["*"],
    packages: [...CONNECT, PACKAGE, "hono", "bun:ffi"],
    runtimeGlobals: true,
  },
];

const SOCKETS = ["node:net", "node:tls", "node:http", "node:https", "node:http2", "node:dgram"];

/** A text in quotes of any kind, or a comment. The quotes are escaped for this file to be read by itself. */
const TEXT_OR_COMMENT =
  /(\x22(?:[^\x22\\\n]|\\.)*\x22|\x27(?:[^\x27\\\n]|\\.)*\x27|\x60(?:[^\x60\\]|\\.)*\x60)|\/\/[^\n]*|\/\*[^]*?\*\//g;
/** `from "x"`, `import "x"` and `import("x")`; the last also with a type's member behind it. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)\x22([^\x22]+)\x22/g;

/** What `source` imports or exports from, in order. */
export function importsOf(source: string): string[] {
  const code = source.replace(TEXT_OR_COMMENT, (_, text) => text?.startsWith('"') ? text : " ");
  return Array.from(code.matchAll(IMPORT), ([, specifier]) => specifier);
}

/** What is wrong with the file at `path`, which holds `source`, one line each. */
export function layerFaults(path: string, source: string): string[] {
  const room = roomOf(path);
  if (room === undefined) return [`${path} is in no room`];
  const faults = importsOf(source)
    .map((specifier) => importFault(room, path, specifier))
    .filter((fault) => fault !== undefined);
  const code = source.replace(TEXT_OR_COMMENT, " ");
  const named = /(?<![\w$.])(Deno|Bun)(?![\w$])/.exec(code) ??
    /"(Deno|Bun)" in globalThis/.exec(source);
  if (named && !room.runtimeGlobals) faults.push(`names the global ${named[1]}`);
  if (room.name === "entry" && !isOnlyExports(code)) faults.push("holds more than named exports");
  return faults.map((fault) => `${path} ${fault}`);
}

function roomOf(path: string): Room | undefined {
  return ROOMS.find(({ files }) => files.test(path));
}

function importFault(room: Room, path: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) {
    return room.offline && SOCKETS.includes(specifier) ? `imports ${specifier}` : undefined;
  }
  if (!specifier.startsWith(".")) {
    const packages = room.packages ?? [];
    const known = packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    return known ? undefined : `imports the package ${specifier}`;
  }
  const target = posix.join(posix.dirname(path), specifier);
  const other = roomOf(target);
  if (other === room || (other && (room.imports.includes(other.name) || room.imports[0] === "*"))) {
    return undefined;
  }
  return `imports ${target}: ${room.name} must not import ${other?.name ?? "what is in no room"}`;
}

function isOnlyExports(code: string): boolean {
  return /^(\s|export\s+(type\s+)?\{[^}]*\}\s*from\s*;?)*$/.test(code);
}
