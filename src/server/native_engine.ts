/**
 * The part of an engine that calls a started server of the C library and needs nothing else: the same on
 * every thread. Errors of the library become TritonErrors.
 *
 * @module
 */
import type { Ticket } from "../../ffi/bridge/queue.ts";
import { NativeError } from "../../ffi/error.ts";
import type { Library } from "../../ffi/library.ts";
import type {
  EngineCall,
  EngineRequest,
  InferenceEngine,
  Int64,
  ResponseHandler,
} from "../engine.ts";
import { TritonError } from "../errors.ts";
import { LiveSet } from "../live_set.ts";
import { ServerResponse } from "./response.ts";
import { checkShapeLimits } from "./shape_limits.ts";

/** A started server, as one thread reaches it. */
export interface NativeServer {
  readonly library: Library;
  /** Of the server object. */
  readonly address: number;
}

/** The refusal of what needs a running server. */
export const NOT_READY = "Server not ready";

/** How long requests that were cancelled get to end. */
const CANCEL_GRACE_MS = 5000;
const INDEX_READY_ONLY = 1;
const BATCH_FIRST_DIMENSION = 2;
const TRANSACTION_DECOUPLED = 2;

/** See the module. */
export class NativeEngine implements InferenceEngine {
  readonly #calls = new LiveSet<Ticket>();
  readonly #jobs = new Set<Promise<void>>();
  readonly #running: () => NativeServer | undefined;

  /** `running` says which server it is, undefined while it does not run. */
  constructor(running: () => NativeServer | undefined) {
    this.#running = running;
  }

  /** Whether the server runs. */
  get running(): boolean {
    return this.#running() !== undefined;
  }

  /** The server while it runs; else throws UNAVAILABLE with the text `refusal`. */
  native(refusal: string): NativeServer {
    const server = this.#running();
    if (server === undefined) throw new TritonError("UNAVAILABLE", refusal);
    return server;
  }

  /** Whether the server works at all. */
  isLive(): boolean {
    return this.ask("Server exiting", ({ library, address }) => {
      return library.native.serverIs("Live", address);
    });
  }

  /** Whether the server, and with strict readiness every model, can serve. */
  isReady(): boolean {
    return this.ask("Server exiting", ({ library, address }) => {
      return library.native.serverIs("Ready", address);
    });
  }

  /** Whether a model can serve; version -1 for the one that the version policy chooses. */
  isModelReady(name: string, version: Int64): boolean {
    return this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelIsReady(address, name, version);
    });
  }

  /** `metadata()` as Triton's JSON. */
  serverMetadataJson(): Uint8Array {
    return this.ask(NOT_READY, ({ library, address }) => library.native.serverMetadata(address));
  }

  /** {@link Model.metadata} as Triton's JSON. */
  modelMetadataJson(name: string, version: Int64): Uint8Array {
    return this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelMessage("Metadata", address, name, version);
    });
  }

  /** {@link Model.config} as Triton's JSON. */
  modelConfigJson(name: string, version: Int64): Uint8Array {
    return this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelConfig(address, name, version);
    });
  }

  /** {@link Model.statistics} as Triton's JSON; of all models with an empty name. */
  modelStatisticsJson(name: string, version: Int64): Uint8Array {
    return this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelMessage("Statistics", address, name, version);
    });
  }

  /** Whether the model may send other than one response to a request. */
  isDecoupled(name: string, version: Int64): boolean {
    const flags = this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelProperties("Transaction", address, name, version);
    });
    return (flags & TRANSACTION_DECOUPLED) !== 0;
  }

  /** Whether the model's shapes begin with a batch dimension. */
  hasBatchDimension(name: string, version: Int64): boolean {
    const flags = this.ask(NOT_READY, ({ library, address }) => {
      return library.native.modelProperties("Batch", address, name, version);
    });
    return (flags & BATCH_FIRST_DIMENSION) !== 0;
  }

  /** `models()` as Triton's JSON. */
  async repositoryIndexJson(readyOnly: boolean): Promise<Uint8Array> {
    const { library } = this.native(NOT_READY);
    const out = new Uint8Array(8);
    await this.job("TRITONSERVER_ServerModelIndex", readyOnly ? INDEX_READY_ONLY : 0, out);
    const message = Number(new DataView(out.buffer).getBigUint64(0, true));
    return library.native.takeMessage(message);
  }

  /** See {@link Engine.infer}: what front ends call. Programs use {@link Model.infer}. */
  infer(request: EngineRequest, onResponse: ResponseHandler): EngineCall {
    try {
      const { library, address } = this.native(NOT_READY);
      for (const input of request.inputs) checkShapeLimits(input);
      const ticket = library.queue.submit(address, request, (record) => {
        if (record.final) this.#calls.delete(ticket);
        return onResponse(new ServerResponse(library, record));
      });
      this.#calls.add(ticket);
      return ticket;
    } catch (error) {
      request.onReleased?.();
      throw tritonError(error);
    }
  }

  /** The Prometheus text of the process's metrics. */
  metricsText(): Uint8Array {
    return this.ask(NOT_READY, ({ library, address }) => library.native.metrics(address));
  }

  /** Calls the C library; its errors are thrown as TritonErrors. */
  ask<T>(refusal: string, call: (server: NativeServer) => T): T {
    const server = this.native(refusal);
    try {
      return call(server);
    } catch (error) {
      throw tritonError(error);
    }
  }

  /** Runs a function of the C library, whose first parameter is the server, on another thread. */
  async job(name: string, ...args: (number | Uint8Array)[]): Promise<void> {
    const { library, address } = this.native(NOT_READY);
    const job = library.queue.call(name, address, ...args);
    this.#jobs.add(job);
    try {
      await job;
    } catch (error) {
      throw tritonError(error);
    } finally {
      this.#jobs.delete(job);
    }
  }

  /** Waits for the functions that run on other threads. */
  async settleJobs(): Promise<void> {
    await Promise.allSettled(this.#jobs);
  }

  /** Cancels the requests under way, and waits a while for their ends. */
  async cancelCalls(): Promise<void> {
    for (const ticket of this.#calls.all()) ticket.cancel();
    for (let waited = 0; this.#calls.size > 0 && waited < CANCEL_GRACE_MS; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Any error as a TritonError. */
export function tritonError(error: unknown): TritonError {
  return error instanceof NativeError
    ? TritonError.fromNumber(error.code, error.message)
    : TritonError.from(error);
}
