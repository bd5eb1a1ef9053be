/**
 * The sockets of one event loop: polls the bridge while anything happens on them, hands the events on,
 * and sends what was written during a turn in one call.
 *
 * @module
 */
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { TritonError } from "../errors.ts";
import { loadBackend } from "../../ffi/backend.ts";
import { type BridgeFunctions, loadBridge } from "../../ffi/bridge/load.ts";

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
  onEvent(kind: number, socket: number, bytes: Uint8Array): void;
}

/** A socket with something to send. */
export interface Sender {
  /** The socket's number. */
  readonly socket: number;
  /**
   * Copies what waits to `target` at `offset` and returns its size; 0 when it does not fit or should be
   * sent by {@link send}.
   */
  stage(target: Uint8Array, offset: number): number;
  /** So many of the staged bytes were taken, or sending failed with that negative errno. */
  taken(result: number): void;
  /** Sends what waits from where it lies. */
  send(): void;
}

const READ_SIZE = 512 << 10;
const BATCH_SIZE = 256 << 10;
/** What a sender has more of, it sends from where it lies. */
export const LARGEST_STAGED: number = 16 << 10;
const HEADER_WORDS = 4;
const KEEP_ALIVE_MS = 2 ** 30;

/** The sockets of this event loop. */
export class Loop {
  /** The bridge, for what a socket does by itself. */
  readonly bridge: BridgeFunctions;
  readonly #number: number;
  readonly #watched = new Map<number, Watched>();
  readonly #read = new Uint8Array(READ_SIZE);
  readonly #readWords = new Uint32Array(this.#read.buffer);
  readonly #batch = new Uint8Array(BATCH_SIZE);
  readonly #batchWords = new Int32Array(this.#batch.buffer);
  #senders: Sender[] = [];
  #isPolling = false;
  #wakes = 0;
  #isFlushDue = false;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(bridge: BridgeFunctions, callback: (handler: () => void) => number) {
    this.bridge = bridge;
    this.#number = bridge.tts_net_new(callback(() => this.#wake()));
    if (this.#number === 0xffffffff) {
      throw new Error("Cannot make sockets: the system gave no descriptor or no thread for them");
    }
    // A thread of the bridge must not call into a runtime that is on its way out.
    process.on("exit", () => bridge.tts_net_mute(this.#number));
  }

  /** Listens; returns the socket, or a negative errno, and writes the port to `port`. */
  listen(address: string, port: number, reusePort: boolean, bound: Uint8Array): number {
    const text = new TextEncoder().encode(`${address}\0`);
    return this.bridge.tts_net_listen(this.#number, text, port, reusePort ? 1 : 0, bound);
  }

  /** Hands the events of `socket` to `watched`, and keeps the process alive. */
  add(socket: number, watched: Watched): void {
    this.#watched.set(socket, watched);
    if (this.#watched.size > 1) return;
    this.#keepAlive ??= setInterval(() => {}, KEEP_ALIVE_MS);
    if (!this.#isPolling) this.bridge.tts_net_arm(this.#number);
  }

  /** Changes what a socket is watched for: a sum of {@link Watch} bits. */
  watch(socket: number, interest: number): void {
    this.bridge.tts_net_watch(this.#number, socket, interest);
  }

  /** Closes a socket. */
  close(socket: number): void {
    this.#watched.delete(socket);
    this.bridge.tts_net_close(socket);
    if (this.#watched.size > 0 || this.#isPolling) return;
    // The process must not end while a thread of the bridge is calling into it.
    if (this.bridge.tts_net_disarm(this.#number) === this.#wakes) this.#rest();
  }

  #rest(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  /** Sends what waits in `sender` at the end of this turn. */
  flushLater(sender: Sender): void {
    this.#senders.push(sender);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flush);
  }

  #wake(): void {
    this.#wakes = (this.#wakes + 1) >>> 0;
    if (this.#isPolling) return;
    if (this.#watched.size > 0) this.#poll();
    else this.#rest();
  }

  readonly #poll = (): void => {
    this.#isPolling = true;
    const size = this.bridge.tts_net_poll(this.#number, this.#read, READ_SIZE);
    if (size === 0) {
      this.#isPolling = false;
      if (this.#watched.size > 0) this.bridge.tts_net_arm(this.#number);
      else this.#rest();
      return;
    }
    this.#dispatch(size);
    // Timers and other events get their turn in between.
    setImmediate(this.#poll);
  };

  #dispatch(size: number): void {
    for (let at = 0; at < size;) {
      const word = at >>> 2;
      const kind = this.#readWords[word];
      const socket = this.#readWords[word + 1];
      const length = this.#readWords[word + 2];
      // What was accepted is told to its listener.
      const owner = kind === SocketEvent.ACCEPTED ? this.#readWords[word + 3] : socket;
      const start = at + HEADER_WORDS * 4;
      // A socket may have been closed while earlier events were handled.
      const watched = this.#watched.get(owner);
      try {
        if (watched !== undefined) {
          watched.onEvent(kind, socket, this.#read.subarray(start, start + length));
        } else if (kind === SocketEvent.ACCEPTED) {
          this.bridge.tts_net_close(socket);
        }
      } catch (error) {
        // A bug in a handler must not cost the other connections their events.
        console.error(error);
      }
      at = start + ((length + 7) & ~7);
    }
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    const senders = this.#senders;
    this.#senders = [];
    const large: Sender[] = [];
    let staged: Sender[] = [];
    let used = 0;
    for (const sender of senders) {
      if (used + entrySize(LARGEST_STAGED) > BATCH_SIZE) {
        this.#sendBatch(staged, used);
        staged = [];
        used = 0;
      }
      const size = sender.stage(this.#batch, used + 8);
      if (size === 0) {
        large.push(sender);
        continue;
      }
      staged.push(sender);
      this.#batchWords[used >>> 2] = sender.socket;
      this.#batchWords[(used >>> 2) + 1] = size;
      used += entrySize(size);
    }
    this.#sendBatch(staged, used);
    for (const sender of large) sender.send();
  };

  #sendBatch(staged: readonly Sender[], size: number): void {
    if (size === 0) return;
    this.bridge.tts_net_send(this.#batch, size);
    // The results lie in front, one behind the other.
    for (let index = 0; index < staged.length; index++) {
      staged[index].taken(this.#batchWords[index]);
    }
  }
}

/** The bytes of a batch that an entry of `size` bytes takes. */
function entrySize(size: number): number {
  return 8 + ((size + 7) & ~7);
}

let loop: Promise<Loop> | undefined;

/** The sockets of this event loop, made at the first call. */
export function loadLoop(): Promise<Loop> {
  loop ??= (async () => {
    if (!isMainThread) {
      throw new TritonError(
        "UNSUPPORTED",
        "Cannot listen in a Worker: start the front ends on the main thread",
      );
    }
    const backend = await loadBackend();
    return new Loop(await loadBridge(backend), (handler) => backend.callback(handler));
  })();
  return loop;
}
