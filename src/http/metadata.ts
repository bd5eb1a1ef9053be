/**
 * Metadata, configuration and statistics: texts that the server makes.
 *
 * @module
 */
import type { Hono } from "hono";
import type { Int64 } from "../engine.ts";
import { Feature } from "../kserve/restricted.ts";
import { endpoint, modelTarget, parseVersion, rawPath, type Service } from "./context.ts";
import { MODEL } from "./paths.ts";
import { jsonResponse } from "./responses.ts";

/** Adds `/v2`, `/v2/models/<model>`, its `/config` and `/stats`, and `/v2/models/stats`. */
export function addMetadata(app: Hono, service: Service): void {
  const { engine } = service;
  const get = (feature: Feature, json: (path: string) => Uint8Array) => {
    const options = { feature, methods: ["GET"], errors: "application/json" } as const;
    return endpoint(service, options, (_, path) => jsonResponse(json(path)));
  };
  const ofModel = (json: (name: string, version: Int64) => Uint8Array) => (path: string) => {
    const target = modelTarget(path);
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

  app.all("/v2", get(Feature.METADATA, () => engine.serverMetadataJson()));
  app.all(MODEL, (context, next) => {
    // A path of its own in Triton, so that a model called `stats` cannot be asked for its metadata. Not
    // a route of its own here, because Hono's fast router takes no name beside a pattern.
    const { name, versionText } = modelTarget(rawPath(context.req.raw));
    const isAll = name === "stats" && versionText === undefined;
    return (isAll ? allStatistics : metadata)(context, next);
  });
  app.all(`${MODEL}/config`, config);
  app.all(`${MODEL}/stats`, statistics);
}
