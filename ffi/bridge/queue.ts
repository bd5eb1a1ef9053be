/**
 * The event loop's side of the bridge's queue: sends requests and long calls, drains what came of them,
 * and hands each record to whoever waits for it. One queue serves everything on one event loop.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import { NativeError } from "../error.ts";
import {
  type BridgeRequest,
  type BridgeResponse,
  Chunk,
  type DatatypeNames,
  DescriptorWriter,
  RecordKind,
  RecordReader,
} from "./layout.ts";
import type { BridgeFunctions } from "./load.ts";
import type { Reactor } from "./reactor.ts";
import { ViewCache } from "./views.ts";

/** What is alive in the bridge, over all queues of the process. All zero when nothing leaks. */
export interface LiveCounters {
  /** Requests that Triton or the queue still holds. */
  readonly requests: number;
  /** Triton responses that were kept for their labels and not released. */
  readonly responses: number;
  /** Output buffers that were not released. */
  readonly buffers: number;
  /** Calls running on threads of the bridge. */
  readonly jobs: number;
  /** Records that were not drained. */
  readonly records: number;
  /** Regions of clients' memory that are mapped. */
  readonly mappings: number;
}

interface Job {
  /** Keeps the arguments' memory alive until the call ends. */
  readonly memory: readonly Uint8Array[];
  resolve(): void;
  reject(error: NativeError): void;
}

const TOO_SMALL = 0x80000000;
/** Bytes of records and outputs handed on in one turn before other events get theirs. */
const TURN = 1 << 22;
/** Records lie in memory of this size. */
const CHUNK = 128 << 10;
/** How much such memory is kept for later. */
const MAX_FREE_CHUNKS = 16;
/** With less room left, new memory is begun. */
const LEAST_ROOM = 16 << 10;
/** The most addresses that one call gives back. */
const MAX_RELEASES = 64;

/** A request in flight. */
export class Ticket {
  /** For whoever keeps sets of tickets. */
  liveIndex = -1;
  /** Keeps the input memory alive until Triton lets go of it. */
  readonly request: BridgeRequest;
  /** Returns true when nothing that follows from the response waits in a promise. */
  readonly onResponse: (response: BridgeResponse) => true | void;
  readonly #queue: Queue;
  readonly #slot: number;

  /** Made by {@link Queue.submit}. */
  constructor(
    queue: Queue,
    slot: number,
    request: BridgeRequest,
    onResponse: (response: BridgeResponse) => true | void,
  ) {
    this.#queue = queue;
    this.#slot = slot;
    this.request = request;
    this.onResponse = onResponse;
  }

  /** Asks the model to stop the request, unless it has ended. One that is held goes on. */
  cancel(): void {
    this.#queue.cancel(this, this.#slot);
  }

  /** Lets the model wait with its next response, or go on; not once the request has ended. */
  hold(held: boolean): void {
    this.#queue.hold(this, this.#slot, held);
  }
}

/** One queue of the bridge. */
export class Queue {
  readonly #bridge: BridgeFunctions;
  readonly #reactor: Reactor;
  readonly #number: number;
  readonly #writer: DescriptorWriter;
  readonly #reader: RecordReader;
  readonly #pending: (Ticket | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** The slots whose models wait for their readers. */
  readonly #held = new Set<number>();
  readonly #jobs = new Map<number, Job>();
  readonly #failure = new Uint8Array(8192);
  readonly #releases = new Uint32Array(2 * MAX_RELEASES);
  readonly #releaseBytes = new Uint8Array(this.#releases.buffer);
  #nextJob = 0;
  #chunk = new Chunk(CHUNK);
  readonly #freeChunks: Chunk[] = [];

  /** With `copies` large inputs need not outlive their submission. */
  constructor(backend: Backend, reactor: Reactor, datatypes: DatatypeNames, copies: boolean) {
    const { bridge } = reactor;
    this.#bridge = bridge;
    this.#reactor = reactor;
    const addressOf = (data: Uint8Array) => Number(bridge.tts_address(data));
    this.#writer = new DescriptorWriter(addressOf, datatypes, copies);
    const views = new ViewCache(backend.view);
    this.#reader = new RecordReader(datatypes, (address, size) => views.view(address, size));
    this.#number = bridge.tts_queue_new(reactor.number);
    if (this.#number === 0xffffffff) {
      throw new Error("Cannot make a queue: the process has too many");
    }
    reactor.attachRecords(() => this.#drain());
  }

  /**
   * Sends a request to the server at `server`. Throws a NativeError when Triton refuses it at once; else
   * `onResponse` gets every response, the last one final, each from a later turn of the event loop, and
   * `request.onReleased` is called when Triton has let go of the request too.
   */
  submit(
    server: number,
    request: BridgeRequest,
    onResponse: (response: BridgeResponse) => true | void,
  ): Ticket {
    const slot = this.#freeSlots.pop() ?? this.#pending.length;
    const ticket = new Ticket(this, slot, request, onResponse);
    this.#pending[slot] = ticket;
    const failure = this.#failure;
    let size: number;
    try {
      const length = this.#writer.write(server, slot, request);
      size = this.#bridge.tts_submit(
        this.#number,
        this.#writer.bytes,
        length,
        failure,
        failure.length,
      );
    } catch (error) {
      this.#freeSlot(slot);
      throw error;
    }
    if (size === 0) {
      this.#reactor.expect();
      return ticket;
    }
    this.#freeSlot(slot);
    const view = new DataView(failure.buffer);
    throw new NativeError(
      view.getUint32(0, true),
      new TextDecoder().decode(failure.subarray(8, size)),
    );
  }

  /** See {@link Ticket.cancel}. */
  cancel(ticket: Ticket, slot: number): void {
    if (this.#pending[slot] !== ticket) return;
    this.hold(ticket, slot, false);
    this.#bridge.tts_cancel(this.#number, slot);
  }

  /** See {@link Ticket.hold}. */
  hold(ticket: Ticket, slot: number, held: boolean): void {
    if (this.#pending[slot] !== ticket || this.#held.has(slot) === held) return;
    if (held) this.#held.add(slot);
    else this.#held.delete(slot);
    this.#bridge.tts_hold(this.#number, slot, held ? 1 : 0);
  }

  /**
   * Calls a function of the C API on another thread, with integers, addresses and buffers. Rejects with
   * the NativeError that it returns.
   */
  call(name: string, ...args: (number | bigint | Uint8Array)[]): Promise<void> {
    const packed = new BigUint64Array(7);
    const memory: Uint8Array[] = [];
    packed[0] = this.#bridge.tts_function(new TextEncoder().encode(`${name}\0`));
    if (packed[0] === 0n) {
      return Promise.reject(new NativeError(5, `this Triton library has no function ${name}`));
    }
    for (const [index, argument] of args.entries()) {
      if (argument instanceof Uint8Array) memory.push(argument);
      packed[index + 1] = argument instanceof Uint8Array
        ? BigInt(this.#bridge.tts_address(argument))
        : BigInt(argument);
    }
    return new Promise((resolve, reject) => {
      const slot = this.#nextJob++ >>> 0;
      this.#jobs.set(slot, { memory, resolve, reject });
      if (this.#bridge.tts_call(this.#number, slot, new Uint8Array(packed.buffer)) === 0) {
        this.#jobs.delete(slot);
        reject(new NativeError(1, `Cannot call ${name}: the system gave no thread for it`));
      }
    });
  }

  /** Gives the memory of a response back. */
  release({ response, addresses, chunk }: BridgeResponse): void {
    if (chunk !== undefined && --chunk.users === 0 && chunk !== this.#chunk) this.#recycle(chunk);
    if (response !== 0) {
      this.#setRelease(0, response);
      this.#bridge.tts_response_delete(this.#releaseBytes);
      return;
    }
    for (let done = 0; done < addresses.length; done += MAX_RELEASES) {
      const count = Math.min(MAX_RELEASES, addresses.length - done);
      for (let index = 0; index < count; index++) this.#setRelease(index, addresses[done + index]);
      this.#bridge.tts_release(this.#releaseBytes, count);
    }
  }

  /** Whether nothing is under way: neither requests nor calls. */
  get isIdle(): boolean {
    return this.#freeSlots.length === this.#pending.length && this.#jobs.size === 0;
  }

  /** Whether calls run, to whose arguments' memory something may be written. */
  get hasJobs(): boolean {
    return this.#jobs.size > 0;
  }

  /** Gives the queue back, which must be idle and is not used any more. */
  free(): void {
    this.#bridge.tts_queue_free(this.#number);
  }

  #setRelease(index: number, address: number): void {
    this.#releases[2 * index] = address % 4294967296;
    this.#releases[2 * index + 1] = address / 4294967296;
  }

  /** What is alive in the bridge. */
  counters(): LiveCounters {
    const values = new BigInt64Array(6);
    this.#bridge.tts_counters(new Uint8Array(values.buffer));
    const [requests, responses, buffers, jobs, records, mappings] = Array.from(values, Number);
    return { requests, responses, buffers, jobs, records, mappings };
  }

  /** Hands on what is there, up to a turn's share; whether there was anything. */
  #drain(): boolean {
    let done = 0;
    while (done < TURN) {
      if (this.#chunk.bytes.length - this.#chunk.used < LEAST_ROOM) this.#begin(CHUNK);
      const chunk = this.#chunk;
      const start = chunk.used;
      const { bytes } = chunk;
      const written = this.#bridge.tts_drain(this.#number, bytes, start, bytes.length - start);
      if (written === 0) break;
      if (written >= TOO_SMALL) {
        this.#begin(Math.max(written - TOO_SMALL, CHUNK));
        continue;
      }
      chunk.used += written;
      done += written + this.#dispatch(chunk, start, chunk.used);
      // All that waited has come, unless it did not fit: then the next turn does not wait.
      if (bytes.length - chunk.used >= LEAST_ROOM) break;
    }
    return done > 0;
  }

  /** Begins new memory for records. */
  #begin(size: number): void {
    const full = this.#chunk;
    this.#chunk = size === CHUNK ? this.#freeChunks.pop() ?? new Chunk(size) : new Chunk(size);
    if (full.users === 0) this.#recycle(full);
  }

  #recycle(chunk: Chunk): void {
    chunk.used = 0;
    if (chunk.bytes.length === CHUNK && this.#freeChunks.length < MAX_FREE_CHUNKS) {
      this.#freeChunks.push(chunk);
    }
  }

  /** Hands on the records between the offsets; returns the bytes of the outputs that came with them. */
  #dispatch(chunk: Chunk, start: number, end: number): number {
    const reader = this.#reader;
    let bytes = 0;
    for (let at = start; at < end;) {
      at = reader.seek(chunk, at);
      const { slot, kind } = reader;
      if (kind === RecordKind.JOB) {
        this.#endJob(slot, reader.jobError());
        this.#reactor.leaveUnsettled();
        continue;
      }
      const ticket = this.#pending[slot];
      if (reader.released) {
        this.#freeSlot(slot);
        callHandler(ticket?.request.onReleased);
      }
      if (kind === RecordKind.RELEASED || ticket === undefined) continue;
      try {
        const response = reader.response();
        bytes += response.byteSize;
        if (ticket.onResponse(response) !== true) this.#reactor.leaveUnsettled();
      } catch (error) {
        console.error(error);
      }
    }
    return bytes;
  }

  #endJob(slot: number, error: { code: number; text: string } | undefined): void {
    const job = this.#jobs.get(slot);
    this.#jobs.delete(slot);
    if (error) job?.reject(new NativeError(error.code, error.text));
    else job?.resolve();
  }

  #freeSlot(slot: number): void {
    this.#pending[slot] = undefined;
    if (this.#held.delete(slot)) this.#bridge.tts_hold(this.#number, slot, 0);
    this.#freeSlots.push(slot);
  }
}

/** A bug in a handler must not cost the other requests their records. */
function callHandler(handler: (() => void) | undefined): void {
  try {
    handler?.();
  } catch (error) {
    console.error(error);
  }
}
