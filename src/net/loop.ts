/**
 * The sockets of one event loop: hands on what happens on them, and sends what was written during a turn
 * in one call.
 *
 * @module
 */
import { isMainThread } from "node:worker_threads";
import { TritonError } from "../errors.ts";
import { loadBackend } from "../../ffi/backend.ts";
import type { BridgeFunctions } from "../../ffi/bridge/load.ts";
import { loadReactor, type Reactor, type SocketSide } from "../../ffi/bridge/reactor.ts";
import type { Settled } from "../settled.ts";

/** What can happen on a socket; the numbers of net.c. */
export const SocketEvent = {
  ACCEPTED: 1,
  DATA: 2,
  READABLE: 3,
  ENDED: 4,
  CLOSED: 5,
  WRITABLE: 6,
  REFUSED: 7,
} as const;

/** What a socket is watched for; the bits of net.c. */
export const Watch = {
  READ: 1,
  WRITE: 2,
  /** Says that the socket is readable instead of reading from it. */
  ONLY: 4,
  LISTENER: 8,
} as const;

/** A socket that the loop watches. */
export interface Watched {
  /**
   * Something happened. `socket` is the accepted one where something was accepted; `bytes` are only
   * valid during the call.
   */
  onEvent(kind: number, socket: number, bytes: Uint8Array): Settled;
}

/** A socket with something to send. */
export interface Sender {
  /** The socket's number. */
  readonly socket: number;
  /** The last batch that it has an entry in; only the loop writes it. */
  stagedIn: number;
  /**
   * Of its bytes in `batch` between the offsets so many were sent, or sending failed with that negative
   * errno. What is left must be copied. Must not write.
   */
  taken(result: number, batch: Uint8Array, start: number, end: number): void;
  /** All that was in the batch has been told. */
  settle(): void;
  /** Sends what waits from where it lies. */
  send(): void;
}

const BATCH_SIZE = 256 << 10;
const LEAST_ENTRY = 16;
/** The most that is copied to be sent with others; what is larger is sent from where it lies. */
export const LARGEST_STAGED: number = 16 << 10;
const HEADER_WORDS = 4;
const KEEP_ALIVE_MS = 2 ** 30;

/** The sockets of this event loop. */
export class Loop implements SocketSide {
  /** The bridge, for what a socket does by itself. */
  readonly bridge: BridgeFunctions;
  /** Memory that is sent at the end of the turn. */
  readonly batch: Uint8Array = new Uint8Array(BATCH_SIZE);
  readonly #reactor: Reactor;
  readonly #watched = new Map<number, Watched>();
  readonly #eventWords: Uint32Array;
  readonly #batchWords = new Int32Array(this.batch.buffer);
  readonly #results = new Int32Array(BATCH_SIZE / LEAST_ENTRY);
  readonly #resultBytes = new Uint8Array(this.#results.buffer);
  /** Who has written into the batch, in the order of its entries. */
  #staged: Sender[] = [];
  /** Where the last entry begins, and where the batch ends. */
  #entry = 0;
  #used = 0;
  #batchNumber = 0;
  #senders: Sender[] = [];
  #isFlushDue = false;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(reactor: Reactor) {
    this.bridge = reactor.bridge;
    this.#reactor = reactor;
    this.#eventWords = new Uint32Array(reactor.events.buffer);
    reactor.attachSockets(this);
  }

  /** Listens; returns the socket, or a negative errno, and writes the port to `port`. */
  listen(address: string, port: number, reusePort: boolean, bound: Uint8Array): number {
    const text = new TextEncoder().encode(`${address}\0`);
    return this.bridge.tts_net_listen(this.#reactor.number, text, port, reusePort ? 1 : 0, bound);
  }

  /** Hands the events of `socket` to `watched`, and keeps the process alive. */
  add(socket: number, watched: Watched): void {
    this.#watched.set(socket, watched);
    this.#keepAlive ??= setInterval(() => {}, KEEP_ALIVE_MS);
  }

  /** Takes a socket that another loop has let go of. */
  join(socket: number): boolean {
    return this.bridge.tts_net_join(this.#reactor.number, socket) === 0;
  }

  /** Lets go of a socket that nobody has been given, for another loop to join. */
  leave(socket: number): void {
    this.bridge.tts_net_leave(this.#reactor.number, socket);
  }

  /** Changes what a socket is watched for: a sum of {@link Watch} bits. */
  watch(socket: number, interest: number): void {
    this.bridge.tts_net_watch(this.#reactor.number, socket, interest);
  }

  /** Closes a socket. */
  close(socket: number): void {
    this.#watched.delete(socket);
    this.#dropStaged(socket);
    this.bridge.tts_net_close(socket);
    if (this.#watched.size > 0 || this.#reactor.isTurning) return;
    // The process must not end while a thread of the bridge is calling into it.
    if (this.#reactor.isUndisturbed()) this.rested();
    else this.#reactor.expect();
  }

  /** What is in the batch for a socket must not go to another one that gets its number. */
  #dropStaged(socket: number): void {
    for (let at = 0; at < this.#used;) {
      const word = at >>> 2;
      if (this.#batchWords[word] === socket) this.#batchWords[word] = -1;
      at = align(at + 8 + this.#batchWords[word + 1]);
    }
  }

  /** The turns have ended: without sockets the process may end too. */
  rested(): void {
    if (this.#watched.size > 0) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  /**
   * Room for `size` bytes in {@link batch}, at the offset that is returned, which are sent at the end of
   * the turn. They must be written at once. -1 when there is no such room.
   */
  reserve(sender: Sender, size: number): number {
    if (size > LARGEST_STAGED) return -1;
    const last = this.#staged.length - 1;
    // Behind what the same socket has written last, or as an entry of its own.
    const isSame = last >= 0 && this.#staged[last] === sender;
    // An entry of its own that another one lies behind: what follows must wait, in case that it is cut.
    if (!isSame && sender.stagedIn === this.#batchNumber) return -1;
    const at = isSame ? this.#used : align(this.#used) + 8;
    // Sending now could leave a part of what the sender wrote before behind this.
    if (at + size > BATCH_SIZE) return -1;
    if (!isSame) {
      this.#entry = at - 8;
      sender.stagedIn = this.#batchNumber;
      this.#staged.push(sender);
      this.#batchWords[this.#entry >>> 2] = sender.socket;
      this.#flushSoon();
    }
    this.#used = at + size;
    this.#batchWords[(this.#entry >>> 2) + 1] = this.#used - this.#entry - 8;
    return at;
  }

  /** Has `sender` send what waits in it at the end of this turn, behind what it has in the batch. */
  flushLater(sender: Sender): void {
    this.#senders.push(sender);
    this.#flushSoon();
  }

  dispatch(size: number): void {
    const { events } = this.#reactor;
    for (let at = 0; at < size;) {
      const word = at >>> 2;
      const kind = this.#eventWords[word];
      const socket = this.#eventWords[word + 1];
      const length = this.#eventWords[word + 2];
      // What was accepted is told to its listener.
      const owner = kind === SocketEvent.ACCEPTED ? this.#eventWords[word + 3] : socket;
      const start = at + HEADER_WORDS * 4;
      // A socket may have been closed while earlier events were handled.
      const watched = this.#watched.get(owner);
      try {
        if (watched !== undefined) {
          const bytes = events.subarray(start, start + length);
          if (watched.onEvent(kind, socket, bytes) !== true) this.#reactor.leaveUnsettled();
        } else if (kind === SocketEvent.ACCEPTED) {
          this.bridge.tts_net_close(socket);
        }
      } catch (error) {
        // A bug in a handler must not cost the other connections their events.
        console.error(error);
      }
      at = start + align(length);
    }
  }

  flush(): void {
    this.#sendBatch();
    if (this.#senders.length === 0) return;
    this.#reactor.leaveUnsettled();
    const senders = this.#senders;
    this.#senders = [];
    for (const sender of senders) {
      try {
        sender.send();
      } catch (error) {
        // As in dispatch().
        console.error(error);
      }
    }
  }

  #flushSoon(): void {
    if (this.#isFlushDue || this.#reactor.isInTurn) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.flush();
      this.#reactor.expect();
    });
  }

  #sendBatch(): void {
    const size = align(this.#used);
    if (size === 0) return;
    this.bridge.tts_net_send(this.batch, size, this.#resultBytes);
    const senders = this.#staged;
    this.#staged = [];
    this.#used = 0;
    this.#batchNumber++;
    let at = 0;
    for (let index = 0; index < senders.length; index++) {
      const start = at + 8;
      const end = start + this.#batchWords[(at >>> 2) + 1];
      const result = this.#results[index];
      if (result !== end - start) this.#reactor.leaveUnsettled();
      senders[index].taken(result, this.batch, start, end);
      at = align(end);
    }
    for (const sender of senders) {
      try {
        sender.settle();
      } catch (error) {
        // As in dispatch().
        console.error(error);
      }
    }
  }
}

/** The next multiple of 8. */
function align(size: number): number {
  return (size + 7) & ~7;
}

let loop: Promise<Loop> | undefined;
let isWorkerPermitted = false;

/** Says that this thread is a Worker which is never terminated before its event loop was muted. */
export function permitWorker(): void {
  isWorkerPermitted = true;
}

/** The sockets of this event loop, made at the first call. */
export function loadLoop(): Promise<Loop> {
  loop ??= (async () => {
    if (!isMainThread && !isWorkerPermitted) {
      throw new TritonError(
        "UNSUPPORTED",
        "Cannot listen in a Worker: start the front ends on the main thread",
      );
    }
    return new Loop(await loadReactor(await loadBackend()));
  })();
  return loop;
}
