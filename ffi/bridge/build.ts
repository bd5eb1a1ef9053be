/**
 * Builds the C files of the bridge for every platform that Triton has and writes the results, as base64 in TypeScript,
 * into prebuilt/.
 *
 *     deno run -A ffi/bridge/build.ts            rebuild
 *     deno run -A ffi/bridge/build.ts --check    fail if what is checked in does not come from the sources
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { compile } from "./compiler.ts";
import { BRIDGE_LINK_FLAGS, HEADERS, SOURCES } from "./load.ts";

/** The oldest glibc that the builds run with; Triton itself needs a newer one. */
const GLIBC = "2.28";
const ARCHITECTURES = ["x86_64", "aarch64"];

const here = dirname(fileURLToPath(import.meta.url));

function build(architecture: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-bridge-"));
  try {
    const out = join(folder, "bridge.so");
    compile([
      ...["-target", `${architecture}-linux-gnu.${GLIBC}`],
      ...["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-s"],
      ...["-fvisibility=hidden", ...BRIDGE_LINK_FLAGS, "-o", out, ...SOURCES],
    ], here);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The hash of all C files, one behind the other. */
const sourceHash = () =>
  sha256(Buffer.concat([...SOURCES, ...HEADERS].map((name) => readFileSync(join(here, name)))));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function source(architecture: string, library: Uint8Array): string {
  const base64 = Buffer.from(library).toString("base64").replace(/.{1,96}/g, '  "$&" +\n');
  return `// Built from the C files for ${architecture} by ../build.ts. Do not edit.\n` +
    `export const source: string = "${sourceHash()}";\n` +
    `export const sha256: string = "${sha256(library)}";\n` +
    `export const base64: string =\n${base64.replace(/ \+\n$/, ";\n")}`;
}

const check = process.argv.includes("--check");
mkdirSync(join(here, "prebuilt"), { recursive: true });
for (const architecture of ARCHITECTURES) {
  const file = join(here, "prebuilt", `linux_${architecture}.ts`);
  const built = source(architecture, build(architecture));
  if (!check) {
    writeFileSync(file, built);
  } else if (!existsSync(file) || readFileSync(file, "utf8") !== built) {
    console.error(
      `${file} does not come from the C files: run ffi/bridge/build.ts and commit the result`,
    );
    process.exit(1);
  }
}
console.error(check ? "The prebuilt bridge comes from its sources" : "Built the bridge");
