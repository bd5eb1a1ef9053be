/**
 * Metadata, configuration and statistics: texts that the server makes.
 *
 * @module
 */
import type { Int64 } from "../engine.ts";
import type { HttpRequest } from "../http1/message.ts";
import { Feature } from "../kserve/restricted.ts";
import { endpoint, type InferenceService, modelTarget, parseVersion } from "./context.ts";
import { jsonReply } from "./replies.ts";
import { MODEL, type Routes } from "./routes.ts";

/** Adds `/v2`, `/v2/models/<model>`, its `/config` and `/stats`, and `/v2/models/stats`. */
export function addMetadata(routes: Routes, service: InferenceService): void {
  const { engine } = service;
  const get = (feature: Feature, json: (request: HttpRequest) => Uint8Array) => {
    const options = { feature, methods: ["GET"], errors: "application/json" } as const;
    return endpoint(service, options, (request) => jsonReply(json(request)));
  };
  const ofModel =
    (json: (name: string, version: Int64) => Uint8Array) => (request: HttpRequest) => {
      const target = modelTarget(request);
      return json(target.name, parseVersion(target));
    };
  const metadata = get(
    Feature.METADATA,
    ofModel((name, version) => engine.modelMetadataJson(name, version)),
  );
  const statistics = get(
    Feature.STATISTICS,
    ofModel((name, version) => engine.modelStatisticsJson(name, version)),
  );
  const config = get(
    Feature.MODEL_CONFIG,
    ofModel((name, version) => engine.modelConfigJson(name, version)),
  );
  const allStatistics = get(Feature.STATISTICS, () => engine.modelStatisticsJson("", -1));

  routes.add("/v2", get(Feature.METADATA, () => engine.serverMetadataJson()));
  routes.add(MODEL, (request) => {
    // A path of its own in Triton, so that a model called `stats` cannot be asked for its metadata. Not
    // a route of its own here, because Hono's fast router takes no name beside a pattern.
    const { name, versionText } = modelTarget(request);
    const isAll = name === "stats" && versionText === undefined;
    return (isAll ? allStatistics : metadata)(request);
  });
  routes.add(`${MODEL}/config`, config);
  routes.add(`${MODEL}/stats`, statistics);
}
