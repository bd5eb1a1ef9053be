/**
 * What time does to a connection: pings to find dead ones, a limit to the client's pings, a limit to the
 * age. The rules are those of gRPC's C++ core.
 *
 * @module
 */
import type { TransportOptions } from "../transport.ts";
import { ConnectionError, ErrorCode } from "./frames.ts";

/** What {@link Lifetime} watches and does. */
export interface Mortal {
  /** Whether the client has shown that it speaks HTTP/2. */
  readonly begun: boolean;
  readonly openStreams: number;
  /** A number that changes when headers or data are sent. */
  readonly activity: number;
  /** Sends a ping. */
  ping(): void;
  /** Asks the client to open no more streams. */
  drain(): void;
  /** Cuts the connection. */
  destroy(): void;
}

/** Milliseconds in which a client must have begun to speak HTTP/2. */
export const PREFACE_MS = 10_000;

/** The longest time that a timer of the runtime can wait, in milliseconds: 24 days. */
const MAX_TIMER = 2147483647;

/** Milliseconds between the pings of a client that has no call, when it may not send any. */
const PING_INTERVAL_AT_REST = 7_200_000;

/** The timers of one connection. */
export class Lifetime {
  readonly #mortal: Mortal;
  readonly #options: TransportOptions;
  #lastReceived = performance.now();
  #preface: ReturnType<typeof setTimeout> | undefined;
  #keepalive: ReturnType<typeof setTimeout> | undefined;
  #age: ReturnType<typeof setTimeout> | undefined;
  /** Our pings since headers or data were sent. */
  #pingsSent = 0;
  #activityAtPing = 0;
  #lastPing = -Infinity;
  #activityAtLastPing = 0;
  #strikes = 0;

  /** Starts to watch `mortal`. */
  constructor(mortal: Mortal, options: TransportOptions) {
    this.#mortal = mortal;
    this.#options = options;
    this.#preface = setTimeout(() => {
      if (!mortal.begun) mortal.destroy();
    }, PREFACE_MS);
    this.#wait(options.keepaliveTimeMs);
    if (options.maxConnectionAgeMs > 0) {
      this.#age = setTimeout(() => this.#grow(), timer(spread(options.maxConnectionAgeMs)));
    }
  }

  /** The client is alive. */
  received(): void {
    this.#lastReceived = performance.now();
  }

  /**
   * The client has sent a ping.
   *
   * @throws {ConnectionError} ENHANCE_YOUR_CALM when it does so too often.
   */
  pinged(): void {
    const { activity, openStreams } = this.#mortal;
    const {
      http2MaxPingStrikes,
      http2MinRecvPingIntervalWithoutDataMs,
      keepalivePermitWithoutCalls,
    } = this.#options;
    const now = performance.now();
    if (activity !== this.#activityAtLastPing) {
      this.#activityAtLastPing = activity;
      this.#lastPing = -Infinity;
      this.#strikes = 0;
    }
    const interval = openStreams === 0 && !keepalivePermitWithoutCalls
      ? PING_INTERVAL_AT_REST
      : http2MinRecvPingIntervalWithoutDataMs;
    if (this.#lastPing + interval > now) this.#strikes += 1;
    this.#lastPing = now;
    if (http2MaxPingStrikes > 0 && this.#strikes > http2MaxPingStrikes) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings");
    }
  }

  /** The client has answered a ping. */
  ponged(): void {
    clearTimeout(this.#keepalive);
    this.#wait(this.#options.keepaliveTimeMs);
  }

  /** Ends all timers. */
  stop(): void {
    clearTimeout(this.#preface);
    clearTimeout(this.#keepalive);
    clearTimeout(this.#age);
  }

  #wait(milliseconds: number): void {
    this.#keepalive = setTimeout(() => this.#check(), timer(milliseconds));
  }

  #check(): void {
    const { keepaliveTimeMs, keepalivePermitWithoutCalls, keepaliveTimeoutMs } = this.#options;
    const silence = performance.now() - this.#lastReceived;
    // A timer may come a fraction of a millisecond early.
    if (silence < keepaliveTimeMs - 1) return this.#wait(keepaliveTimeMs - silence);
    const mayPing = this.#mortal.openStreams > 0 || keepalivePermitWithoutCalls;
    if (!this.#mortal.begun || !mayPing || !this.#countPing()) return this.#wait(keepaliveTimeMs);
    const sent = performance.now();
    this.#keepalive = setTimeout(() => {
      if (this.#lastReceived < sent) this.#mortal.destroy();
      else this.#wait(keepaliveTimeMs);
    }, timer(keepaliveTimeoutMs));
    this.#mortal.ping();
  }

  /** Whether one more ping may follow the last ones. */
  #countPing(): boolean {
    const { http2MaxPingsWithoutData: max } = this.#options;
    if (this.#mortal.activity !== this.#activityAtPing) this.#pingsSent = 0;
    this.#activityAtPing = this.#mortal.activity;
    if (max > 0 && this.#pingsSent >= max) return false;
    this.#pingsSent += 1;
    return true;
  }

  #grow(): void {
    this.#mortal.drain();
    const { maxConnectionAgeGraceMs: grace } = this.#options;
    if (grace > 0) this.#age = setTimeout(() => this.#mortal.destroy(), timer(grace));
  }
}

function timer(milliseconds: number): number {
  return Math.min(milliseconds, MAX_TIMER);
}

/** Up to a tenth more or less, so that clients do not all come back at once. */
function spread(milliseconds: number): number {
  return milliseconds * (0.9 + 0.2 * Math.random());
}
