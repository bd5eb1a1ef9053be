/**
 * ORCA load reports: a response header of generate that tells load balancers how full the KV cache of
 * TensorRT-LLM is. Sent when the request asks for it and the metrics exist.
 *
 * @module
 */
import type { Field, HttpRequest } from "../http1/message.ts";
import { orcaHeader } from "../kserve/orca.ts";
import type { InferenceService } from "./context.ts";

/** The headers that report the load in the format that `request` asks for; usually none. */
export function loadHeaders({ engine }: InferenceService, request: HttpRequest): readonly Field[] {
  const format = request.header("endpoint-load-metrics-format");
  if (format !== "text" && format !== "json") return [];
  let metrics: string;
  try {
    metrics = new TextDecoder().decode(engine.metricsText());
  } catch {
    return []; // a response must not fail for want of metrics
  }
  const value = orcaHeader(metrics, format);
  return value === undefined ? [] : [["endpoint-load-metrics", value]];
}
