/**
 * Real servers for tests: the set-up Triton with the echo models, or with the recorded models.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Server, type ServerOptions } from "../../mod.ts";
import { setUpTriton } from "../../src/setup/setup.ts";
import { ECHO_MODELS, echoBackends } from "./echo_backend.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** The models that the golden cases were recorded with. */
export const GOLDEN_MODELS: string = join(here, "..", "golden", "models");

/** Without a GPU Triton complains about that at every start; a test shows what it asserts, not that. */
const QUIET = { logWarning: false, logError: false };

/** Starts a server with the models `echo` and `echo_stream`. */
export async function startEcho(options: Partial<ServerOptions> = {}): Promise<Server> {
  return await Server.start(await echoOptions(options));
}

/** The options with which {@link startEcho} starts. */
export async function echoOptions(options: Partial<ServerOptions> = {}): Promise<ServerOptions> {
  const triton = await setUpTriton({ progress: console.error });
  return {
    ...QUIET,
    modelRepository: ECHO_MODELS,
    backendDirectory: echoBackends(triton),
    ...options,
  };
}

/** Starts a server with some of the golden models, in mode "explicit". */
export async function startGolden(
  models: readonly string[],
  options: Partial<ServerOptions> = {},
): Promise<Server> {
  await setUpTriton({ progress: console.error });
  // The ensemble's version folder is empty, which git does not keep.
  mkdirSync(join(GOLDEN_MODELS, "ens", "1"), { recursive: true });
  return await Server.start({
    ...QUIET,
    modelRepository: GOLDEN_MODELS,
    modelControlMode: "explicit",
    startupModels: models,
    ...options,
  });
}

/** Fails unless everything that inferences take was given back. */
export async function assertNothingAlive(server: Server): Promise<void> {
  const none = { requests: 0, responses: 0, buffers: 0, jobs: 0, records: 0, mappings: 0 };
  for (let i = 0; i < 200 && !isEqual(server.liveCounters(), none); i++) await sleep(25);
  assert.deepEqual(server.liveCounters(), none);
}

/** Waits some milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isEqual(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
