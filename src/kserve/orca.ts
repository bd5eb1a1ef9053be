/**
 * The load report of ORCA (Open Request Cost Aggregation), from Triton's metrics.
 *
 * @module
 */
import { fixed } from "./classification.ts";

const FAMILY = "nv_trt_llm_kv_cache_block_metrics";

/**
 * The value of the header `endpoint-load-metrics` from Prometheus text: how much of the KV cache is in
 * use, as a share, and how many tokens it holds. Undefined when a needed sample is missing.
 */
export function orcaHeader(metrics: string, format: "text" | "json"): string | undefined {
  const samples = new Map<string, number>();
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${FAMILY}{`)) continue;
    const [, type, value] = /kv_cache_block_type="([^"]*)"[^}]*\}\s+(\S+)/.exec(line) ?? [];
    if (type !== undefined) samples.set(type, Number(value));
  }
  const tokensPer = samples.get("tokens_per");
  const used = samples.get("used");
  const max = samples.get("max");
  if (tokensPer === undefined || used === undefined || max === undefined) return undefined;
  const utilization = max === 0 ? 0 : used / max;
  const capacity = max * tokensPer;
  if (format === "text") {
    return `TEXT named_metrics.kv_cache_utilization=${fixed(utilization)}, ` +
      `named_metrics.max_token_capacity=${capacity}`;
  }
  const share = Number.isInteger(utilization) ? `${utilization}.0` : String(utilization);
  return `JSON {"named_metrics":{"kv_cache_utilization":${share},"max_token_capacity":${capacity}}}`;
}
