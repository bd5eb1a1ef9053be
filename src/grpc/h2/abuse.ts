/**
 * What a client may do that costs the server more than the client.
 *
 * @module
 */
import { ConnectionError, ErrorCode } from "./frames.ts";

/** Streams that a client may open and reset, or spoil, at once; and per second in the long run. */
const RESETS = { burst: 2000, perSecond: 200 };

/** Frames that bring nothing forward: pings, settings, priorities, data without data. */
const IDLE_FRAMES = { burst: 10_000, perSecond: 1000 };

/** How much of something a client may use; what it used comes back with time. */
class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at = performance.now();

  constructor({ burst, perSecond }: { burst: number; perSecond: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  spend(what: string): void {
    const now = performance.now();
    const back = (now - this.#at) / 1000 * this.#perSecond;
    this.#at = now;
    this.#left = Math.min(this.#burst, this.#left + back) - 1;
    if (this.#left < 0) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, what);
  }
}

/** The budgets of one connection. Each method throws ENHANCE_YOUR_CALM when one is used up. */
export class AbuseLimits {
  readonly #resets = new Budget(RESETS);
  readonly #idleFrames = new Budget(IDLE_FRAMES);

  /** A stream that the client opened, and that came to nothing by its doing. */
  reset(): void {
    this.#resets.spend("too_many_resets");
  }

  /** A frame that brings nothing forward. */
  idleFrame(): void {
    this.#idleFrames.spend("too_many_idle_frames");
  }
}
