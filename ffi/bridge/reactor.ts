/**
 * The turns of an event loop: each waits a moment for sockets and records, hands on what came, and sends
 * what was answered. While there is traffic one turn follows the other; when nothing has come for a while,
 * a thread of the bridge waits instead and wakes the event loop.
 *
 * @module
 */
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { Backend } from "../backend.ts";
import { type BridgeFunctions, loadBridge } from "./load.ts";

/**
 * How long a turn waits at the most, in microseconds: other events of the runtime wait as long. It is
 * enough for a client on the same machine to send its next request.
 */
const WAIT_US = 150;
/**
 * How long a turn waits when so many have brought something since the last rest: a time-out below the kernel's
 * own tick costs an interrupt, which is a tenth of a small request, and the wait is over before it in any case.
 */
const BUSY_WAIT_US = 5000;
const BUSY_TURNS = 64;
/** After so many turns in which nothing came, the event loop rests. */
const MAX_IDLE = 3;
const EVENTS_SIZE = 512 << 10;

/** What has to do with sockets in a turn. */
export interface SocketSide {
  /** Hands on so many bytes of {@link Reactor.events}. */
  dispatch(size: number): void;
  /** Sends what was written. */
  flush(): void;
  /** The turns have ended. */
  rested(): void;
}

/** The turns of this event loop. */
export class Reactor {
  /** The bridge. */
  readonly bridge: BridgeFunctions;
  /** The loop's number in the bridge. */
  readonly number: number;
  /** Where the bridge writes what happened on sockets. */
  readonly events: Uint8Array<ArrayBuffer> = new Uint8Array(EVENTS_SIZE);
  #sockets: SocketSide | undefined;
  #drain: () => boolean = () => false;
  #isTurning = false;
  #isInTurn = false;
  #isExpecting = false;
  /** Whether nothing of what was handed on in this round waits in a promise. */
  #isSettled = true;
  #hasEnded = false;
  #idle = 0;
  /** The turns that have brought something since the last rest, or since one that waited long did not. */
  #busy = 0;
  #wakes = 0;

  constructor(bridge: BridgeFunctions, callback: (handler: () => void) => number) {
    this.bridge = bridge;
    this.number = bridge.tts_loop_new(callback(() => this.#wake()));
    if (this.number === 0xffffffff) {
      throw new Error(
        "Cannot make an event loop: the system gave no descriptor or no thread for it",
      );
    }
    bridge.tts_loop_arm(this.number);
    // A thread of the bridge must not call into a runtime that is on its way out.
    if (isMainThread) process.on("exit", () => bridge.tts_loop_mute_all());
  }

  /** No turn any more, and no thread calls into this event loop, which is about to end itself. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.bridge.tts_loop_mute(this.number);
    // A call that is on its way is over then.
    await new Promise((resolve) => setImmediate(resolve));
    this.bridge.tts_loop_mute(this.number);
  }

  /** Gives the loop back, after its end and that of all that it has waited for. */
  free(): void {
    this.bridge.tts_loop_free(this.number);
  }

  /** Has sockets served. */
  attachSockets(sockets: SocketSide): void {
    this.#sockets = sockets;
  }

  /** Has records drained: `drain` says whether there were any. */
  attachRecords(drain: () => boolean): void {
    this.#drain = drain;
  }

  /** Whether {@link SocketSide.flush} will be called at the end of what runs now. */
  get isInTurn(): boolean {
    return this.#isInTurn;
  }

  /** Whether turns follow each other. */
  get isTurning(): boolean {
    return this.#isTurning;
  }

  /** Something will come soon: it is looked for without a thread in between. */
  expect(): void {
    this.#isExpecting = true;
    if (this.#isTurning || this.#hasEnded) return;
    this.#isTurning = true;
    this.#idle = 0;
    this.bridge.tts_loop_disarm(this.number);
    setImmediate(this.#turn);
  }

  /** Something that was handed on waits in a promise, which needs the end of the turn. */
  leaveUnsettled(): void {
    this.#isSettled = false;
  }

  /** Whether no thread is calling into this event loop at the moment. Only between turns. */
  isUndisturbed(): boolean {
    const wakes = this.bridge.tts_loop_disarm(this.number);
    this.bridge.tts_loop_arm(this.number);
    return wakes === this.#wakes;
  }

  #wake(): void {
    this.#wakes = (this.#wakes + 1) >>> 0;
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#idle = 0;
    this.#turn();
  }

  readonly #turn = (): void => {
    // Round after round, but not for longer than the millisecond in which the turn has begun.
    const begun = Date.now();
    do {
      if (this.#hasEnded) return;
      const isBusy = this.#busy >= BUSY_TURNS;
      const wait = isBusy ? BUSY_WAIT_US : WAIT_US;
      const size = this.bridge.tts_net_poll(this.number, this.events, EVENTS_SIZE, wait);
      const hadRecords = this.#tryToServe(size);
      if (size > 0 || hadRecords) {
        this.#idle = 0;
        this.#busy++;
      } else {
        if (isBusy) this.#busy = 0;
        if (++this.#idle > MAX_IDLE) return this.#rest();
      }
    } while (this.#isSettled && this.#idle === 0 && Date.now() === begun);
    // Promises, timers and other events get their turn in between.
    setImmediate(this.#turn);
  };

  #rest(): void {
    this.#isTurning = false;
    this.#busy = 0;
    this.bridge.tts_loop_arm(this.number);
    this.#sockets?.rested();
  }

  /** A bug must not end the turns, on which everything else depends. */
  #tryToServe(size: number): boolean {
    try {
      this.#isSettled = true;
      return this.#serve(size);
    } catch (error) {
      console.error(error);
      this.#isSettled = false;
      return true;
    }
  }

  /** Hands on `size` bytes of events and all records, and sends what was answered; whether there were records. */
  #serve(size: number): boolean {
    this.#isInTurn = true;
    this.#isExpecting = false;
    try {
      if (size > 0) this.#sockets?.dispatch(size);
      // Models on this processor answer at once what they were just asked.
      if (this.#isExpecting) this.bridge.tts_loop_yield();
      return this.#drain();
    } finally {
      this.#isInTurn = false;
      this.#sockets?.flush();
    }
  }
}

let reactor: Promise<Reactor> | undefined;

/** The turns of this event loop, made at the first call. */
export function loadReactor(backend: Backend): Promise<Reactor> {
  reactor ??= loadBridge(backend).then((bridge) => {
    return new Reactor(bridge, (handler) => backend.callback(handler));
  });
  return reactor;
}
