/**
 * The calls of a gRPC server from the first to its stop: which handler gets them, who may call, and how they
 * end when the server does.
 *
 * @module
 */
import { LiveSet } from "../live_set.ts";
import type { RestrictedFeatures } from "../kserve/restricted.ts";
import type { ServerCall } from "./call.ts";
import type { Handlers } from "./handlers.ts";
import { checkRestriction } from "./restricted.ts";
import { acceptStream } from "./rpc.ts";
import { SHUTTING_DOWN, statusOf } from "./status.ts";
import type { StreamHandler, Transport } from "./transport.ts";

/** After the cut, statuses need a moment to reach their clients; clients that do not read get no more. */
const CLOSE_MS = 500;

/** See the module. */
export class Calls {
  readonly #restricted: RestrictedFeatures;
  readonly #handlers: Handlers;
  readonly #running = new LiveSet<ServerCall>();
  #isStopping = false;

  /** Calls of the methods that `handlers` has. */
  constructor(handlers: Handlers, restricted: RestrictedFeatures) {
    this.#handlers = handlers;
    this.#restricted = restricted;
  }

  /** Whether no more calls begin. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Takes each stream of a transport. */
  readonly accept: StreamHandler = (stream) => acceptStream(stream, this);

  /** See {@link CallTable.handler}. */
  handler(path: string): ReturnType<Handlers["get"]> {
    return this.#handlers.get(path);
  }

  /** See {@link CallTable.opened}. */
  opened(call: ServerCall): void {
    checkRestriction(call, this.#restricted);
    if (this.#isStopping) throw SHUTTING_DOWN;
    this.#running.add(call);
  }

  /** See {@link CallTable.closed}. */
  closed(call: ServerCall): void {
    this.#running.delete(call);
  }

  /** Lets no more calls begin on `transport`, gives those under way `graceMs` milliseconds, and cuts them off. */
  async drain(transport: Transport, graceMs: number): Promise<void> {
    this.#isStopping = true;
    const drained = transport.drain();
    // Watching and reflection have no end of their own.
    for (const call of this.#running.all()) {
      if (isEndless(call)) call.abort(statusOf(SHUTTING_DOWN));
    }
    let close: ReturnType<typeof setTimeout> | undefined;
    const cut = setTimeout(() => {
      for (const call of this.#running.all()) call.abort(statusOf(SHUTTING_DOWN));
      close = setTimeout(() => transport.close(), CLOSE_MS);
    }, graceMs);
    await drained;
    clearTimeout(cut);
    clearTimeout(close);
  }
}

function isEndless({ path }: ServerCall): boolean {
  return path.startsWith("/grpc.");
}
