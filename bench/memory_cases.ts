/**
 * The cases of memory: at rest, for connections and requests, for large messages, and for clients that do
 * not read.
 *
 * Connections and requests are measured by what the process has allocated, since pages of libraries come
 * and go as the kernel likes. Peaks are the kernel's, which counts all pages.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { INFER, STREAM_INFER } from "../tests/support/infer_messages.ts";
import { sleep } from "../tests/support/real_server.ts";
import { floats, inferMessage, jsonBytes } from "./bodies.ts";
import { httpRequest } from "./http_connection.ts";
import { call, closeGrpc, closeHttp, httpInfer, openGrpc, openHttp } from "./memory_clients.ts";
import type { BenchServer } from "./servers.ts";

/** One case. */
export interface MemoryCase {
  readonly name: string;
  readonly unit: "KiB" | "MiB";
  /** Whether it hardly uses the processor, so that all servers can be measured at once. */
  readonly isQuiet: boolean;
  run(server: BenchServer): Promise<Taken>;
}

/** What a case has found. */
export interface Taken {
  readonly bytes: number;
  /** Closes the connections; absent where there were none. */
  close?(): void;
}

const MIB = 1 << 20;
/** Connections, or requests in flight: as many as this process may have files for three servers. */
const MANY = Math.min(1000, Math.floor((fileLimit() - 100) / 3));
/** Streams of each gRPC connection. */
const STREAMS = 100;
/** A runtime may collect its garbage only after eight seconds of rest. */
const GARBAGE_MS = 10_000;
/** A model that is slow with one request holds all that wait behind it. */
const HOLD_MS = GARBAGE_MS + 3000;
/** How long the answers may then take: the C++ server loses some when so many are due at once. */
const ANSWERED_MS = HOLD_MS - GARBAGE_MS + 5000;
/** How long clients that do not read are watched. */
const SILENCE_MS = 4000;
const LARGE = floats(64 * MIB / 4);
/** What is asked for by a client that does not read: 512 MiB as tensors, and about as much as JSON. */
const UNREAD = { responses: 2048, floats: 65_536 };

/** All cases. */
export const MEMORY_CASES: readonly MemoryCase[] = [
  quiet("at rest", "MiB", async (server) => {
    await settled(server, GARBAGE_MS);
    return { bytes: server.residentMemory().whole };
  }),
  quiet("at rest, allocated", "MiB", async (server) => {
    return { bytes: await settled(server, GARBAGE_MS) };
  }),
  quiet(`of an idle HTTP connection, ${MANY} of them`, "KiB", async (server) => {
    const before = await settled(server, GARBAGE_MS);
    const connections = await openHttp(server, MANY);
    for (const connection of connections) await connection.ask(httpRequest("/v2/health/live"));
    const bytes = (await settled(server, GARBAGE_MS) - before) / MANY;
    return { bytes, close: () => closeHttp(connections) };
  }),
  quiet(`of an idle gRPC connection, ${MANY} of them`, "KiB", async (server) => {
    const before = await settled(server, GARBAGE_MS);
    const clients = await openGrpc(server, MANY);
    const isLive = "/inference.GRPCInferenceService/ServerLive";
    for (const client of clients) await call(client, isLive, new Uint8Array(0));
    const bytes = (await settled(server, GARBAGE_MS) - before) / MANY;
    return { bytes, close: () => closeGrpc(clients) };
  }),
  quiet(`of an HTTP request in flight, ${MANY} of them`, "KiB", async (server) => {
    const connections = await openHttp(server, MANY);
    const infer = httpInfer(floats(16));
    for (const connection of connections) await connection.ask(infer);
    const before = await settled(server, GARBAGE_MS);
    const [first, ...others] = connections;
    const held = first.ask(httpInfer(floats(16), { delay_us: HOLD_MS * 1000 }));
    await sleep(100);
    const answers = others.map((connection) => connection.ask(infer));
    const bytes = (await settled(server, GARBAGE_MS) - before) / MANY;
    await Promise.race([Promise.all([held, ...answers]), sleep(ANSWERED_MS)]);
    return { bytes, close: () => closeHttp(connections) };
  }),
  quiet(`of a gRPC request in flight, ${MANY} of them`, "KiB", async (server) => {
    const clients = await openGrpc(server, Math.ceil(MANY / STREAMS));
    const infer = inferMessage("echo", floats(16));
    for (let i = 0; i < STREAMS; i++) {
      await Promise.all(clients.map((client) => call(client, INFER, infer)));
    }
    const before = await settled(server, GARBAGE_MS);
    const delay = inferMessage("echo", floats(16), { delay_us: HOLD_MS * 1000 });
    const held = call(clients[0], INFER, delay);
    await sleep(100);
    const answers = Array.from(
      { length: MANY - 1 },
      (_, index) => call(clients[index % clients.length], INFER, infer),
    );
    const bytes = (await settled(server, GARBAGE_MS) - before) / MANY;
    await Promise.race([Promise.all([held, ...answers]), sleep(ANSWERED_MS)]);
    return { bytes, close: () => closeGrpc(clients) };
  }),
  peak("for 64 MiB by HTTP", async (server) => {
    const [connection] = await openHttp(server, 1);
    const request = httpInfer(LARGE);
    const bytes = await peakOf(server, () => connection.ask(request));
    return { bytes, close: () => connection.close() };
  }),
  peak("for 64 MiB by gRPC", async (server) => {
    const [client] = await openGrpc(server, 1);
    const request = inferMessage("echo", LARGE);
    const bytes = await peakOf(server, () => call(client, INFER, request));
    return { bytes, close: () => closeGrpc([client]) };
  }),
  peak("for 512 MiB not read, HTTP events", async (server) => {
    const [connection] = await openHttp(server, 1);
    const { responses } = UNREAD;
    const body = jsonBytes({ INPUT0: Array(UNREAD.floats).fill(0.5), responses });
    const request = httpRequest("/v2/models/echo_stream/generate_stream", { body });
    const bytes = await peakOf(server, async () => {
      connection.askAndNotRead(request);
      await sleep(SILENCE_MS);
    });
    return { bytes, close: () => connection.close() };
  }),
  peak("for 512 MiB not read, gRPC stream", async (server) => {
    const [client] = await openGrpc(server, 1);
    const { responses } = UNREAD;
    const request = inferMessage("echo_stream", floats(UNREAD.floats), { responses });
    const bytes = await peakOf(server, async () => {
      const stream = client.call(STREAM_INFER);
      stream.read(false);
      stream.send(request);
      await sleep(SILENCE_MS);
    });
    return { bytes, close: () => closeGrpc([client]) };
  }),
];

/** The open files that this process may have. */
function fileLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

function quiet(name: string, unit: MemoryCase["unit"], run: MemoryCase["run"]): MemoryCase {
  return { name: `memory ${name}`, unit, isQuiet: true, run };
}

function peak(name: string, run: MemoryCase["run"]): MemoryCase {
  return { name: `memory ${name}`, unit: "MiB", isQuiet: false, run };
}

/** What the server has allocated: the least in a while, since garbage comes on top of it. */
export async function settled(server: BenchServer, ms: number): Promise<number> {
  let least = Infinity;
  for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
    least = Math.min(least, server.residentMemory().own);
  }
  return least;
}

/** The peak while `use` runs, over what there is before. */
async function peakOf(server: BenchServer, use: () => Promise<void>): Promise<number> {
  server.forgetPeak();
  const before = server.peakMemory();
  await use();
  return server.peakMemory() - before;
}
