/**
 * The engine of a thread: the server that the main thread has started.
 *
 * @module
 */
import type { InferenceEngine } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { NativeEngine, type NativeServer } from "../server/native_engine.ts";

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

  protected native(refusal: string): NativeServer {
    if (!this.#isRunning) throw new TritonError("UNAVAILABLE", refusal);
    return this.#server;
  }
}
