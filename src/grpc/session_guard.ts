/**
 * What keeps the connections of `node:http2` in order: pings to find dead ones, and a limit to their
 * age.
 *
 * @module
 */
import type { ServerHttp2Session } from "node:http2";
import type { TransportOptions } from "./transport.ts";

/** Pings `session` and ends it as `options` say. The timers end with the session. */
export function guardSession(session: ServerHttp2Session, options: TransportOptions): void {
  const timers = [keepAlive(session, options)];
  if (options.maxConnectionAgeMs > 0) timers.push(limitAge(session, options));
  session.once("close", () => {
    for (const timer of timers) timer.stop();
  });
}

/** A timer that can be set again, of which only the last setting counts. */
class Timer {
  #handle: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  set(milliseconds: number, action: () => void): void {
    clearTimeout(this.#handle);
    if (!this.#stopped) this.#handle = setTimeout(action, Math.min(milliseconds, MAX_TIMER));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#handle);
  }
}

/** The longest time that a timer of the runtime can wait, in milliseconds: 24 days. */
const MAX_TIMER = 2147483647;

function keepAlive(session: ServerHttp2Session, options: TransportOptions): Timer {
  const timer = new Timer();
  let openStreams = 0;
  session.on("stream", (stream) => {
    openStreams += 1;
    stream.once("close", () => openStreams -= 1);
  });
  const wait = () => timer.set(options.keepaliveTimeMs, ping);
  const ping = () => {
    // A session is destroyed some time before its "close".
    if (session.destroyed) return;
    if (openStreams === 0 && !options.keepalivePermitWithoutCalls) {
      wait();
      return;
    }
    timer.set(options.keepaliveTimeoutMs, () => session.destroy());
    session.ping((error) => {
      if (error === null) wait();
    });
  };
  wait();
  return timer;
}

function limitAge(session: ServerHttp2Session, options: TransportOptions): Timer {
  const timer = new Timer();
  timer.set(spread(options.maxConnectionAgeMs), () => {
    session.close();
    if (options.maxConnectionAgeGraceMs === 0) return;
    timer.set(options.maxConnectionAgeGraceMs, () => session.destroy());
  });
  return timer;
}

/** Up to a tenth more or less, as gRPC's core does, so that clients do not all come back at once. */
function spread(milliseconds: number): number {
  return milliseconds * (0.9 + 0.2 * Math.random());
}
