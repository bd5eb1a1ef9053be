/**
 * A server and its front ends, as `serve` and `demo` run them.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Frontend } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { StopOptions } from "../frontend.ts";
import { KServeGrpc } from "../grpc/kserve_grpc.ts";
import { KServeHttp } from "../http/kserve_http.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Server } from "../server/server.ts";
import { CommandError, errorText } from "./errors.ts";
import { log } from "./log.ts";
import type { ServeOptions } from "./serve_options.ts";

/** What the front ends have in common. */
interface Listener extends Frontend {
  readonly port: number;
  start(): Promise<void>;
  stop(options?: StopOptions): Promise<void>;
}

/** What the server may need beyond the exit time-out, to cancel what still runs then. */
const CANCEL_MS = 6000;
/** The longest delay that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A running server, and the front ends that have been started on it. */
export class Services {
  readonly #server: Server;
  readonly #options: ServeOptions;
  readonly #frontends: Listener[] = [];

  private constructor(server: Server, options: ServeOptions) {
    this.#server = server;
    this.#options = options;
  }

  /**
   * Starts the server of `options`, without front ends.
   *
   * @throws {CommandError} with `tritonserver`'s text when it does not start.
   */
  static async start(options: ServeOptions): Promise<Services> {
    try {
      return new Services(await Server.start(options.server), options);
    } catch (reason) {
      throw new CommandError(`error: creating server: ${errorText(reason)}`, { cause: reason });
    }
  }

  /**
   * Starts the front ends, with a log line for each, and resolves to the ports they listen on. Resolves
   * to undefined, with the reason in the log, when one does not start.
   */
  async listen(): Promise<ServicePorts | undefined> {
    const { grpc, http, metrics } = this.#options;
    try {
      return {
        grpc: grpc && await this.#listen(GRPC, grpc, () => new KServeGrpc(this.#server, grpc)),
        http: http && await this.#listen(HTTP, http, () => new KServeHttp(this.#server, http)),
        metrics: metrics &&
          await this.#listen(METRICS, metrics, () => new Metrics(this.#server, metrics)),
      };
    } catch (reason) {
      if (!(reason instanceof CommandError)) throw reason;
      log(this.#server, "error", reason.message);
      return undefined;
    }
  }

  async #listen(
    { name, title }: { name: string; title: string },
    { address }: { address?: string },
    create: () => Listener,
  ): Promise<number> {
    try {
      const frontend = create();
      await frontend.start();
      this.#frontends.push(frontend);
      log(this.#server, "info", `Started ${title} at ${address}:${frontend.port}`);
      return frontend.port;
    } catch (reason) {
      throw new CommandError(`failed to start ${name} service: ${errorText(reason)}`, {
        cause: reason,
      });
    }
  }

  /** Polls the model repository, when the options say so, until `signal` is aborted. */
  async poll(signal: AbortSignal): Promise<void> {
    const { repositoryPollSeconds } = this.#options;
    while (repositoryPollSeconds > 0 && !signal.aborted) {
      try {
        await this.#server.pollModelRepository();
      } catch (reason) {
        if (signal.aborted) return;
        log(this.#server, "error", `failed to poll model repository: ${errorText(reason)}`);
      }
      await sleep(repositoryPollSeconds * 1000, undefined, { signal }).catch(() => {});
    }
  }

  /**
   * Stops the front ends and the server. Resolves to false, with the reason in the log, when that fails
   * or takes longer than the exit time-out; the process is then best ended at once.
   */
  async stop(): Promise<boolean> {
    const { exitTimeout = 30 } = this.#options.server;
    const done = new AbortController();
    const graceMs = Math.min(exitTimeout * 1000, LONGEST_TIMER_MS - CANCEL_MS);
    const late = sleep(graceMs + CANCEL_MS, undefined, { signal: done.signal }).then(
      () => {
        throw new TritonError("INTERNAL", "Exit timeout expired. Exiting immediately.");
      },
    );
    try {
      await Promise.race([this.#stop(graceMs), late]);
      return true;
    } catch (reason) {
      log(this.#server, "error", `failed to stop server: ${errorText(reason)}`);
      return false;
    } finally {
      done.abort();
    }
  }

  async #stop(graceMs: number): Promise<void> {
    // One that fails to stop must not keep the server, which tries again, from stopping.
    await Promise.allSettled(this.#frontends.map((frontend) => frontend.stop({ graceMs })));
    await this.#server.stop();
  }
}

/** Where the services listen; absent for one that is off. */
export interface ServicePorts {
  readonly grpc?: number;
  readonly http?: number;
  readonly metrics?: number;
}

/** What the services are called in errors and when they have started, as in `tritonserver`'s log. */
const GRPC = { name: "GRPC", title: "GRPCInferenceService" };
const HTTP = { name: "HTTP", title: "HTTPService" };
const METRICS = { name: "Metrics", title: "Metrics Service" };
