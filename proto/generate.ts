/**
 * Makes `proto/gen/*_pb.ts` from `proto/*.proto`, and the same in `tests/conformance/`. Runs on Deno
 * and Bun:
 *
 *     deno run -A proto/generate.ts            writes the files
 *     deno run -A proto/generate.ts --check    fails when they are not what the .proto files make
 *
 * buf and the plugin come from npm by `npx`, not from package.json: buf has a package per platform and
 * nobody who only uses this project needs one.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const BUF = "@bufbuild/buf@1.74.0";
const PLUGIN = "@bufbuild/protoc-gen-es@2.17.0";

const root = fileURLToPath(new URL("..", import.meta.url).href);

/** The folders with `.proto` files; each has its `gen`. */
const FOLDERS = ["proto", "tests/conformance/proto"];

/** Runs the generator on the files of `proto`; its output lies in `gen` under `folder` afterwards. */
function generate(proto: string, folder: string): void {
  const { status, error } = spawnSync(
    "npx",
    ["-y", "-p", BUF, "-p", PLUGIN, "buf", "generate", "--clean", "-o", folder],
    { cwd: join(root, proto), stdio: "inherit" },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`Cannot generate: buf ended with status ${status}`);
}

/** The names of the files in `folder` by their content. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder).sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The files of `proto` that differ between what is checked in and what the generator makes now. */
function differing(proto: string): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "triton-proto-"));
  try {
    generate(proto, fresh);
    const made = contents(join(fresh, "gen"));
    const present = contents(join(root, proto, "gen"));
    return [...new Set([...made.keys(), ...present.keys()])]
      .filter((name) => made.get(name) !== present.get(name))
      .map((name) => `${proto}/gen/${name}`);
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

if (process.argv.includes("--check")) {
  const names = FOLDERS.flatMap(differing);
  for (const name of names) console.error(`${name} is not what the .proto files make`);
  process.exitCode = names.length === 0 ? 0 : 1;
} else {
  for (const proto of FOLDERS) generate(proto, join(root, proto));
}
