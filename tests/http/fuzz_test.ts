/**
 * Requests made wrong in many ways, over real sockets to a real server: each gets an answer that is HTTP,
 * or its connection is closed; and nothing stays behind. `FUZZ_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { before, test } from "node:test";
import { KServeHttp, type Server } from "../../mod.ts";
import { gzipBombed, type Mutant, MUTATIONS, type Seed } from "../support/mutations.ts";
import { collectGarbage } from "../support/collect_garbage.ts";
import { Random } from "../support/random.ts";
import { assertNothingAlive, sleep, startGolden } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { exchange, latin1, request } from "../support/wire.ts";
import { makeSharedMemory, removeSharedMemory } from "../support/shared_memory.ts";
import { goldenCases } from "./golden.ts";

const COUNT = 2000;
const WARM_UP = 500;
/** Between two good requests. */
const BATCH = 50;
const AT_ONCE = 10;
const BOMBS = 4;
/** An answer that the server waits with, as the request is not complete, ends when the client's side does. */
const PATIENCE_MS = 250;
const LIMIT_MS = 20_000;
/**
 * What the runtime may keep for itself, of memory that it has once used; another thread more, whose garbage
 * cannot be collected from here.
 */
const MEMORY_MARGIN = (THREADS > 1 ? 500 : 200) << 20;

const MODELS = [
  "add_sub",
  "classify",
  "fail",
  "identity_bytes",
  "identity_fp32",
  "llm",
  "llm_dec",
  "params",
];
/** Requests that would change what the good request needs, or print much. */
const LEFT_OUT = /\/(load|unload|logging)$/;

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const random = new Random(seed);
let server: Server;
let http: KServeHttp;
let memoryBefore = 0;

before(async () => {
  console.log(`FUZZ_SEED=${seed}`);
  for (const [key, content] of Object.entries(OBJECTS)) {
    makeSharedMemory(key, Uint8Array.fromBase64(content));
  }
  server = await startGolden(MODELS);
  http = await KServeHttp.start(server, {
    address: "127.0.0.1",
    port: 0,
    allowClientSharedMemory: true,
    threads: THREADS,
  });
  await occupyMainThread("http", http.port);
});

/** The shared-memory objects that recorded requests name, with what they hold. */
const OBJECTS = Object.fromEntries(
  goldenCases("main").flatMap(({ setup_shm }) => Object.entries(setup_shm ?? {})),
);

/** Valid requests of all kinds: the recorded ones of the models that are there. */
const SEEDS: readonly Seed[] = [
  ...goldenCases("main").filter(({ path, headers }) => {
    const model = /^\/v2\/models\/([^/]+)/.exec(path)?.[1];
    const isChunked = headers.some(([name]) => /^transfer-encoding$/i.test(name));
    return (model === undefined || MODELS.includes(model)) && !LEFT_OUT.test(path) && !isChunked;
  }).map(({ method, path, headers, body_b64 }) => ({
    method,
    target: path,
    headers,
    body: Uint8Array.fromBase64(body_b64 ?? ""),
  })),
  {
    method: "POST",
    target: "/v2/repository/models/nope/load",
    headers: [],
    body: new Uint8Array(0),
  },
];

const GOOD = request({
  method: "POST",
  target: "/v2/models/identity_fp32/infer",
  body: '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2],"data":[1,2.5]}]}',
});

/** Fails unless the server still answers. */
async function assertServes(after: string): Promise<void> {
  const { answer, fault } = await exchange(http.port, [GOOD], { limitMs: LIMIT_MS });
  assert.equal(fault, undefined);
  assert.equal(answer?.status, 200, `no good answer after ${after}`);
  assert.match(latin1(answer.body), /"data":\[1\.0,2\.5\]/);
}

/** What is wrong with what came back; undefined when nothing is. */
async function send({ parts, options }: Mutant): Promise<string | undefined> {
  const isHead = latin1(parts[0].subarray(0, 5)) === "HEAD ";
  const { answer, fault, closed } = await exchange(http.port, parts, {
    halfCloseAfterMs: PATIENCE_MS,
    limitMs: LIMIT_MS,
    bodiless: isHead,
    ...options,
  });
  return fault ?? (answer === undefined && !closed ? "neither an answer nor a close" : undefined);
}

/** Sends `count` mutants in batches, each of them followed by a good request. */
async function fuzz(count: number): Promise<void> {
  const names = Object.keys(MUTATIONS);
  for (let done = 0; done < count; done += BATCH) {
    // Chosen before any is sent: the order of the answers must not change the choices.
    const batch = Array.from({ length: BATCH }, (_, index) => {
      const name = names[(done + index) % names.length];
      return { name, mutant: MUTATIONS[name](random.of(SEEDS), random) };
    });
    const faults: string[] = [];
    const worker = async () => {
      for (let next = batch.shift(); next !== undefined; next = batch.shift()) {
        const fault = await send(next.mutant);
        if (fault === undefined) continue;
        const start = latin1(next.mutant.parts[0].subarray(0, 300));
        faults.push(`${next.name}: ${fault} for ${JSON.stringify(start)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.deepEqual(faults, [], `FUZZ_SEED=${seed}`);
    await assertServes(`${done + BATCH} requests, FUZZ_SEED=${seed}`);
  }
}

/** Gives back the regions that some mutants have registered. */
async function unregisterAll(): Promise<void> {
  const target = "/v2/systemsharedmemory/unregister";
  const all = request({ method: "POST", target, body: "" });
  const { answer } = await exchange(http.port, [all], { limitMs: LIMIT_MS });
  assert.equal(answer?.status, 200);
}

async function dropBombs(): Promise<void> {
  for (let index = 0; index < BOMBS; index++) {
    const { parts } = gzipBombed();
    const { answer } = await exchange(http.port, parts, { limitMs: LIMIT_MS });
    assert.equal(answer?.status, 400);
    assert.match(latin1(answer.body), /Decompressed data size exceeds the maximum allowed value/);
    await assertServes("a bomb");
  }
}

/** The least memory in use for a while: what the last requests took is given back with a delay. */
async function usedMemory(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 30; i++) {
    collectGarbage();
    least = Math.min(least, process.memoryUsage().rss);
    await sleep(100);
  }
  return least;
}

const SLOW = { timeout: 300_000 };

test(`HTTP fuzzing: ${WARM_UP} requests to warm up`, SLOW, async () => {
  await dropBombs();
  await fuzz(WARM_UP);
  memoryBefore = await usedMemory();
});

test(`HTTP fuzzing: ${COUNT} wrong requests get an answer or a close`, SLOW, async () => {
  await fuzz(COUNT);
});

test("HTTP fuzzing: bodies that would grow without end are refused", SLOW, dropBombs);

test("HTTP fuzzing: nothing is left, and the server stops", async () => {
  await unregisterAll();
  removeSharedMemory(...Object.keys(OBJECTS));
  await assertNothingAlive(server);
  const grown = await usedMemory() - memoryBefore;
  console.log(`${grown >> 20} MiB more than before`);
  assert.ok(grown < MEMORY_MARGIN, `${grown >> 20} MiB more than before`);
  await server.stop();
});
