/**
 * What a thread serves of the KServe HTTP front end: the main thread accepts its connections, and answers the
 * requests that it forwards.
 *
 * @module
 */
import type { InferenceEngine } from "../engine.ts";
import { CUT_REPLY } from "../frontend.ts";
import { Http1Server } from "../http1/server.ts";
import { type Feature, RestrictedFeatures, type Restriction } from "../kserve/restricted.ts";
import type { RegionSource } from "../kserve/shared_memory.ts";
import { threadRoutes } from "./app.ts";
import { type ForwardedReply, type ForwardedRequest, forwardingHandler } from "./forwarding.ts";

/** The options of the front end that matter to a thread. */
export interface HttpThreadOptions {
  readonly restrictions: readonly (readonly [Feature, Restriction])[];
  readonly headerPattern: RegExp | undefined;
  readonly maxInputSize: number;
  readonly rpc: boolean;
}

/** A server that does not listen. `forward` asks the main thread. */
export function httpThread(
  engine: InferenceEngine,
  regions: RegionSource,
  { restrictions, headerPattern, maxInputSize, rpc }: HttpThreadOptions,
  forward: (request: ForwardedRequest) => Promise<ForwardedReply>,
): Http1Server {
  const restricted = RestrictedFeatures.of(restrictions);
  const service = { engine, regions, restricted, headerPattern, maxInputSize };
  const routes = threadRoutes(service, rpc, forwardingHandler(forward));
  return new Http1Server(routes.handler, CUT_REPLY);
}
