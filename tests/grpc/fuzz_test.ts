/**
 * HTTP/2, gRPC and messages made wrong in many ways, over real sockets to a real server: each connection
 * gets a status, a reset, a GOAWAY or its end, and nothing stays behind. `FUZZ_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { KServeGrpc, type Server } from "../../mod.ts";
import { frameOf } from "../../src/grpc/framing.ts";
import {
  FRAMING_MUTATIONS,
  type GrpcMutation,
  MESSAGE_MUTATIONS,
} from "../support/grpc_mutations.ts";
import { makeGrpcObjects, removeGrpcObjects } from "../support/golden_objects.ts";
import { GRPC_SEEDS, SEED_MODELS } from "../support/grpc_seeds.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { H2Client } from "../support/h2_client.ts";
import { exchangeH2, type H2Mutant } from "../support/h2_exchange.ts";
import { H2_MUTATIONS } from "../support/h2_mutations.ts";
import { INFER, inferBytes, readInfer } from "../support/infer_messages.ts";
import { collectGarbage } from "../support/collect_garbage.ts";
import { Random } from "../support/random.ts";
import { assertNothingAlive, sleep, startGolden } from "../support/real_server.ts";
import { occupyMainThread, THREADS } from "../support/threads.ts";
import { concat } from "../support/wire.ts";

const COUNT = 2000;
const WARM_UP = 500;
/** Between two good calls. */
const BATCH = 50;
const AT_ONCE = 10;
/** Of a gibibyte each. */
const BOMBS = 2;
/**
 * What the runtime may keep for itself, of memory that it has once used. With `node:http2` Deno may hold
 * what the last bomb took, however many there were; so may another thread, whose garbage cannot be collected
 * from here.
 */
const MEMORY_MARGIN = (TRANSPORT === "node" || THREADS > 1 ? 1200 : 200) * 2 ** 20;
const SLOW = { timeout: 300_000 };

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const random = new Random(seed);
let server: Server;
let grpc: KServeGrpc;
let memoryBefore = 0;
const outcomes: Record<string, number> = {};

before(async () => {
  console.log(`FUZZ_SEED=${seed}`);
  makeGrpcObjects();
  server = await startGolden(SEED_MODELS);
  grpc = await KServeGrpc.start(server, {
    address: "127.0.0.1",
    port: 0,
    transport: TRANSPORT,
    allowClientSharedMemory: true,
    threads: THREADS,
  });
  await occupyMainThread("grpc", grpc.port);
});

function withSeed(name: string, mutation: GrpcMutation): [string, () => H2Mutant] {
  return [name, () => mutation(random.of(GRPC_SEEDS), random)];
}

/** All mutations, by the layer and their name. */
const MUTATIONS: readonly (readonly [string, () => H2Mutant])[] = [
  // The runtime's own HTTP/2 is the runtime's business.
  ...Object.entries(TRANSPORT === "node" ? {} : H2_MUTATIONS).map(([name, mutation]) =>
    [`HTTP/2: ${name}`, () => mutation(random)] as const
  ),
  ...Object.entries(FRAMING_MUTATIONS).map(([name, each]) => withSeed(`gRPC: ${name}`, each)),
  // Three times, as there are many places in a message.
  ...[1, 2, 3].flatMap(() =>
    Object.entries(MESSAGE_MUTATIONS).map(([name, each]) => withSeed(`message: ${name}`, each))
  ),
];

/** Fails unless the server still answers. */
async function assertServes(after: string): Promise<void> {
  const data = Float32Array.of(1, 2.5);
  const client = await H2Client.open(grpc.port);
  const { code, messages } = await client.unary(
    INFER,
    inferBytes({ model: "identity_fp32", data }),
  );
  assert.equal(code, 0, `no good answer after ${after}`);
  assert.deepEqual([...readInfer(messages[0]).data], [...new Uint8Array(data.buffer)]);
  await client[Symbol.asyncDispose]();
}

/** Sends `count` mutants in batches, each of them followed by a good call. */
async function fuzz(count: number): Promise<void> {
  for (let done = 0; done < count; done += BATCH) {
    // Chosen before any is sent: the order of the answers must not change the choices.
    const batch = Array.from({ length: BATCH }, (_, index) => {
      const [name, mutate] = MUTATIONS[(done + index) % MUTATIONS.length];
      return { name, mutant: mutate() };
    });
    const faults: string[] = [];
    const worker = async () => {
      for (let next = batch.shift(); next !== undefined; next = batch.shift()) {
        const { fault, how } = await exchangeH2(grpc.port, next.mutant);
        outcomes[how] = (outcomes[how] ?? 0) + 1;
        if (fault === undefined) continue;
        faults.push(`${next.name}: ${fault} for ${next.mutant.bytes.subarray(0, 2000).toBase64()}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.deepEqual(faults, [], `FUZZ_SEED=${seed}`);
    await assertServes(`${done + BATCH} connections, FUZZ_SEED=${seed}`);
  }
}

/** Gives back the regions that some mutants have registered. */
async function unregisterAll(): Promise<void> {
  const client = await H2Client.open(grpc.port);
  // A request without a name is for all regions: no bytes.
  const path = "/inference.GRPCInferenceService/SystemSharedMemoryUnregister";
  const { code } = await client.unary(path, new Uint8Array(0));
  assert.equal(code, 0);
  await client[Symbol.asyncDispose]();
}

/** A gibibyte of zeros in a megabyte: sixteen members, which count as one. */
async function dropBombs(): Promise<void> {
  const part = gzipSync(new Uint8Array(64 << 20), { level: 1 });
  const bomb = frameOf(concat(Array.from({ length: 16 }, () => part)), true);
  for (let index = 0; index < BOMBS; index++) {
    const client = await H2Client.open(grpc.port);
    const call = client.call(INFER, { headers: { "grpc-encoding": "gzip" } });
    call.sendBytes(bomb, true);
    assert.deepEqual(await call.end, { code: 13, message: "Unable to parse request" });
    await client[Symbol.asyncDispose]();
    await assertServes("a bomb");
  }
}

/**
 * The least memory in use for a while. A runtime gives back what the last calls took only when others come,
 * above all a bomb's gibibytes.
 */
async function usedMemory(): Promise<number> {
  const request = inferBytes({ model: "identity_fp32", data: new Float32Array(1 << 20) });
  const client = await H2Client.open(grpc.port);
  let least = Infinity;
  for (let i = 0; i < 30; i++) {
    const { code } = await client.unary(INFER, request);
    assert.equal(code, 0);
    collectGarbage();
    least = Math.min(least, process.memoryUsage().rss);
    await sleep(50);
  }
  await client[Symbol.asyncDispose]();
  return least;
}

test(`gRPC fuzzing: ${WARM_UP} connections to warm up`, SLOW, async () => {
  await dropBombs();
  await fuzz(WARM_UP);
  memoryBefore = await usedMemory();
});

test(`gRPC fuzzing: ${COUNT} wrong connections end as they should`, SLOW, async () => {
  await fuzz(COUNT);
  console.log(JSON.stringify(outcomes));
});

test("gRPC fuzzing: messages that would grow without end are refused", SLOW, dropBombs);

test("gRPC fuzzing: nothing is left, and the server stops", SLOW, async () => {
  await unregisterAll();
  removeGrpcObjects();
  await assertNothingAlive(server);
  const grown = await usedMemory() - memoryBefore;
  const text = `${Math.round(grown / 2 ** 20)} MiB more than before`;
  console.log(text);
  assert.ok(grown < MEMORY_MARGIN, text);
  await server.stop();
});
