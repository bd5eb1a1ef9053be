/**
 * What a front end and an engine need of other threads: threads that serve the same models from event loops
 * of their own. `src/server/threads.ts` implements it with Workers, which run `src/worker/`.
 *
 * @module
 */

/** A front end as it is described to a thread. Must be such that `structuredClone` can copy it. */
export type FrontendSpec =
  | { readonly kind: "http"; readonly options: unknown }
  | { readonly kind: "grpc"; readonly options: unknown };

/** Answers what a thread cannot: what only the main thread knows or may change. */
export type ForwardHandler = (request: never) => Promise<unknown>;

/** The threads of one front end, besides the main one. */
export interface ThreadGroup {
  /** How many connections each thread has; the main one is the first. */
  readonly counts: Int32Array<SharedArrayBuffer>;
  /**
   * The thread with the fewest connections, as a function that gives it one more, which nobody reads from any
   * more. Undefined when that is the main one.
   */
  choose(): ((socket: number, remoteAddress: string) => void) | undefined;
  /** Ends the serving as a front end's stop does. */
  stop(graceMs: number): Promise<void>;
}

/** A region of clients' memory that the main thread has mapped. */
export interface SharedRegion {
  /** The name under which the client registered it. */
  readonly name: string;
  /** The region's size in bytes. */
  readonly byteSize: number | bigint;
  /** The mapping in the bridge. */
  readonly handle: number;
  /** The address of its first byte. */
  readonly address: number;
  /** The number of the GPU whose memory it is; undefined for system memory. */
  readonly gpu: number | undefined;
}

/** The threads of an engine. */
export interface Threads {
  /** Starts a front end on `count` threads. `answer` gets what these forward. */
  open(count: number, spec: FrontendSpec, answer: ForwardHandler): Promise<ThreadGroup>;
  /** Lets requests on all threads use a region; resolves when they can. */
  addRegion(region: SharedRegion): Promise<void>;
  /**
   * Lets no more requests use a region. Resolves when all threads know; `onLeft` is called once, when none of
   * their requests uses it any more, which may be before that.
   */
  removeRegion(name: string, onLeft: () => void): Promise<void>;
}

/** The most threads that a front end may have. */
const MAX_THREADS = 128;

/** The option `threads` of a front end, checked. */
export function threadCount(threads = 1): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads;
  throw new RangeError(
    `Cannot serve with ${threads} threads: it is a whole number from 1 to ${MAX_THREADS}`,
  );
}
