/**
 * The threads of a server besides the main one: Workers that serve its models from event loops of their own,
 * over the same library and the same server object.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import { Channel, type MessagePort } from "../threads/channel.ts";
import type {
  ForwardHandler,
  FrontendSpec,
  SharedRegion,
  ThreadGroup,
  Threads,
} from "../threads/threads.ts";
import { type NativeServer, NOT_READY } from "./native_engine.ts";

/** More than any front end may ask for. */
const PLACES = 256;

/** See the module. Workers are started when a front end asks for them, and end with the server. */
export class ServerThreads implements Threads {
  readonly #server: () => NativeServer;
  /** The connections of each thread; those of the main one first. */
  readonly #counts = new Int32Array(new SharedArrayBuffer(PLACES * 4));
  readonly #workers: ServerWorker[] = [];
  readonly #answers = new Map<number, ForwardHandler>();
  readonly #regions = new Map<string, SharedRegion>();
  /** Starts follow one another, so that no two add the same Worker. */
  #starting: Promise<void> = Promise.resolve();
  #lastGroup = 0;

  /** `server` throws while the server does not run. */
  constructor(server: () => NativeServer) {
    this.#server = server;
  }

  /** See {@link Threads.open}. */
  async open(count: number, spec: FrontendSpec, answer: ForwardHandler): Promise<ThreadGroup> {
    const started = this.#starting.then(() => this.#startWorkers(count));
    this.#starting = started.catch(() => {});
    await started;
    const workers = this.#workers.slice(0, count);
    const id = ++this.#lastGroup;
    this.#answers.set(id, answer);
    const end = async (graceMs: number) => {
      // One that has failed serves no more.
      await Promise.allSettled(workers.map(({ channel }) => channel.call("stop", { id, graceMs })));
      this.#answers.delete(id);
    };
    const opened = await Promise.allSettled(
      workers.map(({ channel }) => channel.call("open", { id, spec })),
    );
    for (const each of opened) {
      if (each.status === "fulfilled") continue;
      await end(0);
      throw each.reason;
    }
    return new Group(id, this.#counts, workers, end);
  }

  /** See {@link Threads.addRegion}. */
  async addRegion(region: SharedRegion): Promise<void> {
    this.#regions.set(region.name, region);
    await this.#starting;
    await Promise.all(this.#workers.map((worker) => worker.addRegion(region)));
  }

  /** See {@link Threads.removeRegion}. */
  async removeRegion(name: string, onLeft: () => void): Promise<void> {
    this.#regions.delete(name);
    await this.#starting;
    if (this.#workers.length === 0) return onLeft();
    let users = this.#workers.length;
    const left = () => {
      if (--users === 0) onLeft();
    };
    await Promise.all(this.#workers.map((worker) => worker.removeRegion(name, left)));
  }

  /** The server takes no more requests. */
  stopping(): void {
    for (const { channel } of this.#workers) channel.notify("stopping", undefined);
  }

  /** Resolves when no thread has a function of the C library under way. */
  async settle(): Promise<void> {
    await this.#starting;
    await Promise.allSettled(this.#workers.map(({ channel }) => channel.call("settle", undefined)));
  }

  /** Ends the threads. What their requests still use is the bridge's and not theirs. */
  async end(): Promise<void> {
    await this.#starting;
    await Promise.all(this.#workers.splice(0).map((worker) => worker.end()));
  }

  /** Starts what is missing of `count` Workers, all or none. */
  async #startWorkers(count: number): Promise<void> {
    const first = this.#workers.length + 1;
    const missing = Math.max(0, count - this.#workers.length);
    const started = await Promise.allSettled(
      Array.from({ length: missing }, (_, index) => this.#startWorker(first + index)),
    );
    const workers = started.filter((each) => each.status === "fulfilled").map((each) => each.value);
    const failed = started.find((each) => each.status === "rejected");
    if (failed === undefined) {
      this.#workers.push(...workers);
      return;
    }
    await Promise.all(workers.map((worker) => worker.end()));
    throw failed.reason;
  }

  async #startWorker(index: number): Promise<ServerWorker> {
    const { library, address } = this.#server();
    const worker = new ServerWorker((id, request) => {
      const answer = this.#answers.get(id);
      if (answer === undefined) throw new TritonError("UNAVAILABLE", NOT_READY);
      return answer(request);
    });
    try {
      const init = { library: library.path, address, counts: this.#counts, index };
      await worker.channel.call("init", init);
      for (const region of [...this.#regions.values()]) await worker.addRegion(region);
      return worker;
    } catch (reason) {
      worker.terminate();
      throw reason;
    }
  }
}

/** One Worker. */
class ServerWorker {
  readonly channel: Channel;
  readonly #worker: Worker;
  /** What is called when the thread's last request has left a region. */
  readonly #leavers = new Map<string, () => void>();

  /** `forward` answers the requests of a front end that the thread forwards. */
  constructor(forward: (frontend: number, request: never) => Promise<unknown>) {
    const { url: own } = import.meta;
    // With the ending that this file has, which is another one where the package was compiled.
    const url = new URL(`../worker/worker${own.slice(own.lastIndexOf("."))}`, own).href;
    this.#worker = new Worker(url, { type: "module" });
    this.channel = new Channel(this.#worker as MessagePort, {
      forward: ({ id, request }: { id: number; request: never }) => forward(id, request),
      regionLeft: (name: string) => this.#regionLeft(name),
    });
    this.#worker.onerror = (event) => {
      event.preventDefault?.();
      const text = `A thread of the server has failed: ${event.message}`;
      console.error(text);
      this.channel.fail(new TritonError("INTERNAL", text));
    };
  }

  async addRegion(region: SharedRegion): Promise<void> {
    await this.channel.call("addRegion", region);
  }

  async removeRegion(name: string, onLeft: () => void): Promise<void> {
    this.#leavers.set(name, onLeft);
    await this.channel.call("removeRegion", name);
  }

  /** Ends the thread, unless something still writes into its memory: then it goes with the process. */
  async end(): Promise<void> {
    const isOver = await this.channel.call<boolean>("end", undefined).catch(() => true);
    if (isOver) this.terminate();
  }

  terminate(): void {
    this.#worker.terminate();
    this.channel.fail(new TritonError("UNAVAILABLE", NOT_READY));
  }

  #regionLeft(name: string): void {
    this.#leavers.get(name)?.();
    this.#leavers.delete(name);
  }
}

class Group implements ThreadGroup {
  readonly counts: Int32Array<SharedArrayBuffer>;
  readonly #id: number;
  readonly #workers: readonly ServerWorker[];
  readonly #end: (graceMs: number) => Promise<void>;

  constructor(
    id: number,
    counts: Int32Array<SharedArrayBuffer>,
    workers: readonly ServerWorker[],
    end: (graceMs: number) => Promise<void>,
  ) {
    this.#id = id;
    this.counts = counts;
    this.#workers = workers;
    this.#end = end;
  }

  choose(): ((socket: number, remoteAddress: string) => void) | undefined {
    let least = 0;
    for (let index = 1; index <= this.#workers.length; index++) {
      if (Atomics.load(this.counts, index) < Atomics.load(this.counts, least)) least = index;
    }
    if (least === 0) return undefined;
    Atomics.add(this.counts, least, 1);
    const { channel } = this.#workers[least - 1];
    return (socket, remoteAddress) => {
      channel.notify("socket", { id: this.#id, socket, remoteAddress });
    };
  }

  stop(graceMs: number): Promise<void> {
    return this.#end(graceMs);
  }
}
