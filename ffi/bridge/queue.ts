/**
 * The event loop's side of the bridge's queue: sends requests and long calls, drains what came of them,
 * and hands each record to whoever waits for it. One queue serves everything on one event loop.
 *
 * @module
 */
import process from "node:process";
import type { Backend } from "../backend.ts";
import { NativeError } from "../error.ts";
import {
  type BridgeRequest,
  type BridgeResponse,
  type DatatypeNames,
  DescriptorWriter,
  RecordKind,
  RecordReader,
} from "./layout.ts";
import type { BridgeFunctions } from "./load.ts";

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

interface Pending {
  /** Keeps the input memory alive until Triton lets go of it. */
  readonly request: BridgeRequest;
  readonly onResponse: (response: BridgeResponse) => void;
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

/** A request in flight, as a handle for `cancel`. */
export interface Ticket {
  readonly slot: number;
  readonly pending: object;
}

/** One queue of the bridge. */
export class Queue {
  readonly #backend: Backend;
  readonly #bridge: BridgeFunctions;
  readonly #number: number;
  readonly #writer: DescriptorWriter;
  readonly #datatypes: DatatypeNames;
  readonly #pending: (Pending | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** The slots whose models wait for their readers. */
  readonly #held = new Set<number>();
  readonly #jobs = new Map<number, Job>();
  readonly #failure = new Uint8Array(8192);
  #nextJob = 0;
  #buffer = new Uint8Array(0);
  #reader: RecordReader;

  constructor(backend: Backend, bridge: BridgeFunctions, datatypes: DatatypeNames) {
    this.#backend = backend;
    this.#bridge = bridge;
    this.#datatypes = datatypes;
    this.#writer = new DescriptorWriter((data) => Number(bridge.tts_address(data)), datatypes);
    this.#reader = this.#grow(1 << 18);
    this.#number = bridge.tts_queue_new(backend.callback(() => this.#drain()));
    if (this.#number === 0xffffffff) {
      throw new Error(
        "Cannot make a queue: the process has too many, or the system gave no thread",
      );
    }
    // A thread of the bridge must not call into a runtime that is on its way out.
    process.on("exit", () => bridge.tts_queue_mute(this.#number));
  }

  /**
   * Sends a request to the server at `server`. Throws a NativeError when Triton refuses it at once; else
   * `onResponse` gets every response, the last one final, each from a later turn of the event loop, and
   * `request.onReleased` is called when Triton has let go of the request too.
   */
  submit(
    server: number,
    request: BridgeRequest,
    onResponse: (response: BridgeResponse) => void,
  ): Ticket {
    const slot = this.#freeSlots.pop() ?? this.#pending.length;
    const pending = { request, onResponse };
    this.#pending[slot] = pending;
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
    if (size === 0) return { slot, pending };
    this.#freeSlot(slot);
    const view = new DataView(failure.buffer);
    throw new NativeError(
      view.getUint32(0, true),
      new TextDecoder().decode(failure.subarray(8, size)),
    );
  }

  /** Asks the model to stop the request, unless it has ended. One that is held goes on. */
  cancel(ticket: Ticket): void {
    if (this.#pending[ticket.slot] !== ticket.pending) return;
    this.hold(ticket, false);
    this.#bridge.tts_cancel(this.#number, ticket.slot);
  }

  /** Lets the model wait with its next response to a request, or go on; not once the request has ended. */
  hold(ticket: Ticket, held: boolean): void {
    const { slot } = ticket;
    if (this.#pending[slot] !== ticket.pending || this.#held.has(slot) === held) return;
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
  release(response: BridgeResponse): void {
    if (response.response !== 0) {
      this.#bridge.tts_response_delete(addressBytes([response.response]));
    } else if (response.addresses.length > 0) {
      this.#bridge.tts_release(addressBytes(response.addresses), response.addresses.length);
    }
  }

  /** What is alive in the bridge. */
  counters(): LiveCounters {
    const values = new BigInt64Array(6);
    this.#bridge.tts_counters(new Uint8Array(values.buffer));
    const [requests, responses, buffers, jobs, records, mappings] = Array.from(values, Number);
    return { requests, responses, buffers, jobs, records, mappings };
  }

  #grow(size: number): RecordReader {
    this.#buffer = new Uint8Array(size);
    this.#reader = new RecordReader(this.#buffer, this.#datatypes, this.#backend.view);
    return this.#reader;
  }

  #drain(): void {
    for (let done = 0; done < TURN;) {
      const written = this.#bridge.tts_drain(this.#number, this.#buffer, this.#buffer.length);
      if (written === 0) return;
      if (written >= TOO_SMALL) {
        this.#grow((written - TOO_SMALL) * 2);
        continue;
      }
      done += written;
      const reader = this.#reader;
      for (let at = 0; at < written;) {
        at = reader.seek(at);
        done += this.#dispatch(reader);
      }
    }
    setImmediate(() => this.#drain());
  }

  /** Hands a record on; returns the bytes of the output memory that came with it. */
  #dispatch(reader: RecordReader): number {
    const slot = reader.slot;
    if (reader.kind === RecordKind.JOB) {
      const job = this.#jobs.get(slot);
      this.#jobs.delete(slot);
      const error = reader.jobError();
      if (error) job?.reject(new NativeError(error.code, error.text));
      else job?.resolve();
      return 0;
    }
    const pending = this.#pending[slot];
    if (reader.released) {
      this.#freeSlot(slot);
      callHandler(pending?.request.onReleased);
    }
    if (reader.kind === RecordKind.RELEASED || !pending) return 0;
    const response = reader.response();
    callHandler(() => pending.onResponse(response));
    return response.outputs.reduce((sum, output) => sum + output.byteSize, 0);
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

function addressBytes(addresses: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(addresses, BigInt).buffer);
}
