/**
 * The program of a thread: serves the models of the main thread's server from an event loop of its own. It
 * answers inferences and questions about health and models itself, and forwards everything else.
 *
 * @module
 */
import process from "node:process";
import { loadBackend } from "../../ffi/backend.ts";
import { loadReactor } from "../../ffi/bridge/reactor.ts";
import { type Library, openLibrary } from "../../ffi/library.ts";
import { datatypeName, datatypeNumber } from "../datatype.ts";
import type { ForwardedCall, ForwardedOutcome } from "../grpc/forwarding.ts";
import { GrpcThread, type GrpcThreadOptions } from "../grpc/thread.ts";
import type { ForwardedReply, ForwardedRequest } from "../http/forwarding.ts";
import { httpThread, type HttpThreadOptions } from "../http/thread.ts";
import { permitWorker } from "../net/loop.ts";
import { adoptSockets, type SocketAdopter } from "../net/sockets.ts";
import type { Connection, ConnectionReceiver } from "../net/connection.ts";
import { Channel, type MessagePort } from "../threads/channel.ts";
import type { FrontendSpec, SharedRegion } from "../threads/threads.ts";
import { ThreadEngine } from "./engine.ts";
import { ThreadRegions } from "./regions.ts";

/** What a thread is given first. */
interface Init {
  /** The file of the Triton library. */
  readonly library: string;
  /** The address of the server object. */
  readonly address: number;
  /** Where each thread counts its connections, and which place is this one's. */
  readonly counts: Int32Array<SharedArrayBuffer>;
  readonly index: number;
}

/** A front end on this thread. */
interface Service {
  serve(connection: Connection): ConnectionReceiver;
  stop(graceMs: number): Promise<void>;
}

/** What stands on the library. */
interface Thread {
  readonly library: Library;
  readonly server: ThreadEngine;
  readonly regions: ThreadRegions;
  readonly adopt: SocketAdopter;
}

// A bug costs what it has hit, and not the thread, which would end under a bridge that calls it.
for (const name of ["uncaughtException", "unhandledRejection"]) {
  process.on(name, (reason) => console.error(reason));
}

const services = new Map<number, Service>();
let thread: Thread;

const channel = new Channel(self as unknown as MessagePort, {
  init: async ({ library: path, address, counts, index }: Init) => {
    permitWorker();
    const library = await openLibrary(path, { number: datatypeNumber, name: datatypeName });
    thread = {
      library,
      server: new ThreadEngine({ library, address }),
      regions: new ThreadRegions(library, (name) => channel.notify("regionLeft", name)),
      adopt: await adoptSockets(counts, index),
    };
  },
  open: async ({ id, spec }: { id: number; spec: FrontendSpec }) => {
    services.set(id, await open(id, spec));
  },
  socket: (
    { id, socket, remoteAddress }: { id: number; socket: number; remoteAddress: string },
  ) => {
    // A front end gets no socket behind its stop.
    const service = services.get(id) as Service;
    thread.adopt(socket, remoteAddress, (connection) => service.serve(connection));
  },
  stop: async ({ id, graceMs }: { id: number; graceMs: number }) => {
    await services.get(id)?.stop(graceMs);
    services.delete(id);
  },
  addRegion: (region: SharedRegion) => thread.regions.add(region),
  removeRegion: (name: string) => thread.regions.remove(name),
  stopping: () => thread.server.stopping(),
  settle: () => thread.server.engine.settleJobs(),
  // Whether this thread may be terminated: nothing writes into its memory any more.
  end: async () => {
    await thread.server.end();
    const { queue } = thread.library;
    const reactor = await loadReactor(await loadBackend());
    await reactor.end();
    if (queue.isIdle) {
      queue.free();
      reactor.free();
    }
    return !queue.hasJobs;
  },
});

async function open(id: number, { kind, options }: FrontendSpec): Promise<Service> {
  const { server: { engine }, regions: { table } } = thread;
  if (kind === "http") {
    const forward = (request: ForwardedRequest) =>
      channel.call<ForwardedReply>("forward", { id, request });
    return httpThread(engine, table, options as HttpThreadOptions, forward);
  }
  const forward = (request: ForwardedCall) =>
    channel.call<ForwardedOutcome>("forward", { id, request });
  const grpc = new GrpcThread(engine, table, options as GrpcThreadOptions, forward);
  await grpc.start();
  return {
    serve: (connection) => grpc.transport.serve(connection),
    stop: (graceMs) => grpc.stop(graceMs),
  };
}
