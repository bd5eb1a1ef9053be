/**
 * The engine of a thread: the server that the main thread has started.
 *
 * @module
 */
import type { InferenceEngine } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { NativeEngine, type NativeServer } from "../server/native_engine.ts";

/** How long the server gets to let go of requests that have ended. */
const END_MS = 1000;

/** See the module. */
export class ThreadEngine extends NativeEngine implements InferenceEngine {
  readonly #server: NativeServer;
  #isRunning = true;

  /** An engine over `server`, which runs. */
  constructor(server: NativeServer) {
    super();
    this.#server = server;
  }

  /** Whether the server's stop has not begun. */
  get running(): boolean {
    return this.#isRunning;
  }

  /** The server's stop has begun. */
  stopping(): void {
    this.#isRunning = false;
  }

  /** Resolves when no function of the C library runs on another thread for this one. */
  async settle(): Promise<void> {
    await this.settleJobs();
  }

  /** Cancels what is under way, and waits a while for its end. */
  async end(): Promise<void> {
    const { queue } = this.#server.library;
    await this.cancelCalls();
    for (let waited = 0; !queue.isIdle && waited < END_MS; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  protected native(refusal: string): NativeServer {
    if (!this.#isRunning) throw new TritonError("UNAVAILABLE", refusal);
    return this.#server;
  }
}
