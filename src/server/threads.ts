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
import type { NativeServer } from "./native_engine.ts";

/** More than any front end may ask for. */
const PLACES = 256;

/** See the module. Workers are started when a front end asks for them, and end with the server. */
export class ServerThreads implements Threads {
  readonly #server: () => NativeServer;
  /** The connections of each thread; those of the main one first. */
  readonly #counts = new Int32Array(new SharedArrayBuffer(PLACES * 4));
  readonly #workers: Promise<ServerWorker>[] = [];
  readonly #answers = new Map<number, ForwardHandler>();
  readonly #regions = new Map<string, SharedRegion>();
  #lastGroup = 0;

  /** `server` throws while the server does not run. */
  constructor(server: () => NativeServer) {
    this.#server = server;
  }

  /** See {@link Threads.open}. */
  async open(count: number, spec: FrontendSpec, answer: ForwardHandler): Promise<ThreadGroup> {
    while (this.#workers.length < count) {
      this.#workers.push(this.#startWorker(this.#workers.length + 1));
    }
    const workers = await Promise.all(this.#workers.slice(0, count));
    const id = ++this.#lastGroup;
    this.#answers.set(id, answer);
    const end = async (graceMs: number) => {
      // One that has failed serves no more.
      await Promise.allSettled(workers.map(({ channel }) => channel.call("stop", { id, graceMs })));
      this.#answers.delete(id);
    };
    try {
      await Promise.all(workers.map(({ channel }) => channel.call("open", { id, spec })));
    } catch (reason) {
      await end(0);
      throw reason;
    }
    return new Group(id, this.#counts, workers, end);
  }

  /** See {@link Threads.addRegion}. */
  async addRegion(region: SharedRegion): Promise<void> {
    this.#regions.set(region.name, region);
    const workers = await Promise.all(this.#workers);
    await Promise.all(workers.map((worker) => worker.addRegion(region)));
  }

  /** See {@link Threads.removeRegion}. */
  async removeRegion(name: string, onLeft: () => void): Promise<void> {
    this.#regions.delete(name);
    if (this.#workers.length === 0) return onLeft();
    const workers = await Promise.all(this.#workers);
    let users = workers.length;
    const left = () => {
      if (--users === 0) onLeft();
    };
    await Promise.all(workers.map((worker) => worker.removeRegion(name, left)));
  }

  /** The server takes no more requests. */
  async stopping(): Promise<void> {
    for (const worker of await this.#started()) worker.channel.notify("stopping", undefined);
  }

  /** Ends the threads. What their requests still use is the bridge's and not theirs. */
  async end(): Promise<void> {
    await Promise.all((await this.#started()).map((worker) => worker.end()));
  }

  /** The threads whose start has not failed. */
  async #started(): Promise<ServerWorker[]> {
    const starts = await Promise.allSettled(this.#workers);
    return starts.filter((start) => start.status === "fulfilled").map(({ value }) => value);
  }

  async #startWorker(index: number): Promise<ServerWorker> {
    const { library, address } = this.#server();
    const worker = new ServerWorker((id, request) => {
      const answer = this.#answers.get(id);
      if (answer === undefined) throw new TritonError("UNAVAILABLE", "Server not ready");
      return answer(request);
    });
    const regions = [...this.#regions.values()];
    await worker.channel.call("init", {
      library: library.path,
      address,
      counts: this.#counts,
      index,
    });
    for (const region of regions) await worker.addRegion(region);
    return worker;
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
    const url = new URL("../worker/worker.ts", import.meta.url).href;
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

  async end(): Promise<void> {
    await this.channel.call("end", undefined).catch(() => {});
    this.#worker.terminate();
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
