/**
 * The program of a thread: serves the models of the main thread's server from an event loop of its own. It
 * answers inferences, health and metadata itself, and forwards everything else.
 *
 * @module
 */
import { loadBackend } from "../../ffi/backend.ts";
import { loadReactor } from "../../ffi/bridge/reactor.ts";
import { openLibrary } from "../../ffi/library.ts";
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
  readonly engine: ThreadEngine;
  readonly regions: ThreadRegions;
  readonly adopt: SocketAdopter;
}

const services = new Map<number, Service>();
let thread: Thread;

const channel = new Channel(self as unknown as MessagePort, {
  init: async ({ library: path, address, counts, index }: Init) => {
    permitWorker();
    const library = await openLibrary(path, { number: datatypeNumber, name: datatypeName });
    thread = {
      engine: new ThreadEngine({ library, address }),
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
  stopping: () => thread.engine.stopping(),
  end: async () => (await loadReactor(await loadBackend())).mute(),
});

async function open(id: number, { kind, options }: FrontendSpec): Promise<Service> {
  const { engine, regions: { table } } = thread;
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
