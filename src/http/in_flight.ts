/**
 * The inferences that HTTP requests wait for, so that they are cancelled when their client goes away
 * or the server is cut off.
 *
 * @module
 */

/**
 * How long a request runs before its client is watched. Most are answered sooner, and watching has its
 * price; Deno also warns once about every program that watches requests.
 */
const WATCH_AFTER_MS = 250;

/** A request in flight. */
export interface Flight {
  /** Ends the watch. */
  end(): void;
}

/** The requests in flight of a front end. */
export class InFlight {
  readonly #flights = new Set<WatchedFlight>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls `cancel` when the client of `request` goes away, or {@link cancelAll} is called. */
  begin(request: Request, cancel: () => void): Flight {
    const flight = new WatchedFlight(request, cancel, () => {
      this.#flights.delete(flight);
      if (this.#flights.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    });
    this.#flights.add(flight);
    this.#timer ??= setInterval(() => this.#watchLongOnes(), WATCH_AFTER_MS);
    return flight;
  }

  /** Cancels all requests in flight. */
  cancelAll(): void {
    for (const flight of this.#flights) flight.cancel();
  }

  #watchLongOnes(): void {
    for (const flight of this.#flights) flight.grow();
  }
}

class WatchedFlight implements Flight {
  readonly #request: Request;
  readonly #cancel: () => void;
  readonly #onEnd: () => void;
  #ticks = 0;

  constructor(request: Request, cancel: () => void, onEnd: () => void) {
    this.#request = request;
    this.#cancel = cancel;
    this.#onEnd = onEnd;
  }

  readonly cancel = (): void => this.#cancel();

  /** Begins to watch the client at the second tick, when the request is older than one period. */
  grow(): void {
    if (++this.#ticks !== 2) return;
    const { signal } = this.#request;
    if (signal.aborted) this.cancel();
    else signal.addEventListener("abort", this.cancel, { once: true });
  }

  end(): void {
    if (this.#ticks >= 2) this.#request.signal.removeEventListener("abort", this.cancel);
    this.#onEnd();
  }
}
