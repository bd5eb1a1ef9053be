/**
 * Tools that are written in Go: built from source once, into the user's cache.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "../../src/setup/once.ts";
import { siblingDirectory } from "../../src/setup/places.ts";
import { runCommand } from "./command.ts";

const BUILD_LIMIT_MS = 10 * 60_000;

/** The tools, each by the name of its program. */
const PACKAGES = {
  grpcurl: "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4",
  "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe@v0.4.61",
  h2spec: "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible",
  connectconformance: "connectrpc.com/conformance/cmd/connectconformance@v1.0.7",
} as const;

/** Why there are no tools here; undefined when there are. */
export function whyNoGoTools(): string | undefined {
  const { status } = spawnSync("go", ["version"], { stdio: "ignore" });
  return status === 0 ? undefined : "Go is not installed, with which this tool is built";
}

/**
 * The path of a tool, which is built if it is not there yet, in a minute at most.
 *
 * @throws {Error} with Go's output when it cannot be built.
 */
export async function goTool(name: keyof typeof PACKAGES): Promise<string> {
  const source = PACKAGES[name];
  const directory = siblingDirectory(`go-${name}-${source.slice(source.indexOf("@") + 1)}`);
  const path = join(directory, name);
  const find = () => existsSync(path) ? path : undefined;
  return await once({ directory, mark: name, find, make: (staging) => build(source, staging) }, {});
}

async function build(source: string, target: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-go-"));
  try {
    const { code, output } = await runCommand(["go", "install", source], {
      log: join(folder, "log"),
      limitMs: BUILD_LIMIT_MS,
      env: { GOBIN: target },
    });
    if (code !== 0) throw new Error(`Cannot build ${source}:\n${output}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
