/**
 * The engine of a thread: the server that the main thread has started.
 *
 * @module
 */
import { NativeEngine, type NativeServer } from "../server/native_engine.ts";

/** How long the server gets to let go of requests that have ended. */
const END_MS = 1000;

/** See the module. */
export class ThreadEngine {
  /** What front ends work with. */
  readonly engine: NativeEngine;
  readonly #server: NativeServer;
  #isRunning = true;

  /** An engine over `server`, which runs. */
  constructor(server: NativeServer) {
    this.#server = server;
    this.engine = new NativeEngine(() => this.#isRunning ? server : undefined);
  }

  /** The server's stop has begun. */
  stopping(): void {
    this.#isRunning = false;
  }

  /** Cancels what is under way, and waits a while for its end. */
  async end(): Promise<void> {
    const { queue } = this.#server.library;
    await this.engine.cancelCalls();
    for (let waited = 0; !queue.isIdle && waited < END_MS; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
