/**
 * What a thread serves of the gRPC front end: the main thread accepts its connections, but for TLS, and
 * answers the calls that it forwards.
 *
 * @module
 */
import type { InferenceEngine } from "../engine.ts";
import { type Feature, RestrictedFeatures, type Restriction } from "../kserve/restricted.ts";
import type { RegionSource } from "../kserve/shared_memory.ts";
import { Calls } from "./calls.ts";
import type { Forwarder } from "./forwarding.ts";
import { threadHandlers } from "./handlers.ts";
import { type KServeGrpcOptions, resolveOptions } from "./options.ts";
import { H2Transport } from "./transport_h2.ts";

/** The options of the front end that matter to a thread. */
export interface GrpcThreadOptions {
  readonly restrictions: readonly (readonly [Feature, Restriction])[];
  /** The port is the one that the main thread listens on. */
  readonly options: Omit<KServeGrpcOptions, "restrictedFeatures" | "traceSettings">;
}

/** The calls of a thread. */
export class GrpcThread {
  /** Where connections of the main thread go. */
  readonly transport: H2Transport;
  readonly #calls: Calls;

  /** `forward` asks the main thread. */
  constructor(
    engine: InferenceEngine,
    regions: RegionSource,
    { restrictions, options }: GrpcThreadOptions,
    forward: Forwarder,
  ) {
    const resolved = resolveOptions(options);
    const sources = { engine, regions, stopping: () => this.#calls.isStopping };
    const handlers = threadHandlers(sources, forward, resolved);
    this.#calls = new Calls(handlers, RestrictedFeatures.of(restrictions));
    this.transport = new H2Transport(resolved.transport, this.#calls.accept);
  }

  /** Listens, where sockets cannot be handed from thread to thread: connections of TLS. */
  async start(): Promise<void> {
    if (this.transport.isSecure) await this.transport.listen();
  }

  /** See {@link Calls.drain}. */
  async stop(graceMs: number): Promise<void> {
    await this.#calls.drain(this.transport, graceMs);
  }
}
