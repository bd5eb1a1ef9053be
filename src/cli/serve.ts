/**
 * `serve`: a server with its front ends, until a signal ends it.
 *
 * @module
 */
import process from "node:process";
import { stoi } from "../kserve/c_string.ts";
import { onStopSignal } from "../runtime/signals.ts";
import { serveHelp } from "./help.ts";
import { parseServeOptions, type ServeOptions } from "./serve_options.ts";
import { type ServicePorts, Services } from "./services.ts";

/** Runs `serve` with the arguments behind it, until the server has ended. */
export async function serve(args: readonly string[]): Promise<number> {
  const options = parseServeOptions(args);
  if (options === "help") {
    console.log(serveHelp());
    return 0;
  }
  for (const notice of options.notices) console.error(notice);
  return await run(withReplyDelay(options));
}

/** The delay that tests of clients ask `tritonserver` for, by a variable. */
function withReplyDelay(options: ServeOptions): ServeOptions {
  const seconds = stoi(process.env.TRITONSERVER_SERVER_DELAY_GRPC_RESPONSE_SEC ?? "");
  if (options.grpc === undefined || !(seconds > 0)) return options;
  return { ...options, grpc: { ...options.grpc, replyDelayMs: seconds * 1000 } };
}

/**
 * Starts what `options` ask for, calls `ready`, and stops it all after a signal, or when `ready` resolves
 * to false. Resolves to the exit code.
 */
export async function run(
  options: ServeOptions,
  ready: (ports: ServicePorts) => Promise<boolean> = () => Promise.resolve(true),
): Promise<number> {
  const services = await Services.start(options);
  const end = new AbortController();
  const signalled = new Promise((resolve) => end.signal.addEventListener("abort", resolve));
  // Signals while it ends are only reported, as tritonserver does: a signal to a whole process group
  // often arrives twice, once more from the parent that passes it on.
  onStopSignal((signal) => {
    console.log(`Signal (${signal}) received.`);
    end.abort();
  });
  const ports = await services.listen();
  if (ports !== undefined) {
    services.poll(end.signal);
    if (await ready(ports)) await signalled;
  }
  end.abort();
  const stopped = await services.stop();
  return ports !== undefined && stopped ? 0 : 1;
}
