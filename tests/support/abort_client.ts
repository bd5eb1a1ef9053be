/**
 * A client that goes away in the middle of things.
 *
 * @module
 */
import { connect } from "node:net";

/** When and how a client goes away. */
export interface Abort {
  /** After so many events of a stream have come; 0 for not waiting for any. */
  readonly afterEvents: number;
  /** Milliseconds that it waits then. */
  readonly delayMs: number;
  /** By a reset, or by closing its sending direction as a client does that ends. */
  readonly how: "reset" | "end";
}

/** What a client noticed. */
export interface Aborted {
  /** Whether it had seen the events that it waited for when it went away. */
  readonly isInTime: boolean;
  /** Whether the server has closed its side, or reset it, within the limit. */
  readonly closed: boolean;
}

/** How long a server may take to close its side. */
const CLOSE_LIMIT_MS = 10_000;
/** For an answer to come. */
const ANSWER_LIMIT_MS = 20_000;

/** Sends `request` on a connection of its own and goes away as `abort` says. Never rejects. */
export function sendAndAbort(port: number, request: Uint8Array, abort: Abort): Promise<Aborted> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let events = 0;
    let isGoing = false;
    let limit = setTimeout(() => finish(false), ANSWER_LIMIT_MS);
    const finish = (closed: boolean) => {
      clearTimeout(limit);
      socket.destroy();
      resolve({ isInTime: events >= abort.afterEvents, closed });
    };
    const leave = () => {
      clearTimeout(limit);
      limit = setTimeout(() => finish(false), CLOSE_LIMIT_MS);
      if (abort.how === "end") {
        socket.end();
      } else {
        socket.resetAndDestroy();
        finish(true);
      }
    };
    const go = () => {
      if (isGoing) return;
      isGoing = true;
      if (abort.delayMs === 0) leave();
      else setTimeout(leave, abort.delayMs);
    };
    socket.on("connect", () => {
      socket.write(request, () => {
        if (abort.afterEvents === 0) go();
      });
    });
    socket.on("data", (data: Uint8Array) => {
      events += new TextDecoder("latin1").decode(data).split("data: ").length - 1;
      if (abort.afterEvents > 0 && events >= abort.afterEvents) go();
    });
    socket.on("end", () => finish(true));
    socket.on("error", () => finish(true));
  });
}
