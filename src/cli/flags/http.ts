/**
 * The flags of the HTTP and the metrics front end.
 *
 * @module
 */
import { CommandError } from "../errors.ts";
import { built, type FlagGroup } from "../flag.ts";
import {
  addSetting,
  parseBoolean,
  parseInteger,
  parseMetricsSetting,
  parseNumber,
  parsePattern,
  parsePort,
} from "../values.ts";
import { addRestriction } from "../restriction.ts";

/** The HTTP front end. */
export const HTTP_FLAGS: FlagGroup = {
  title: "HTTP",
  flags: [
    {
      name: "allow-http",
      value: "boolean",
      default: "true",
      doc: "Whether to serve HTTP.",
      use: built((text, draft) => draft.http.allow = parseBoolean(text)),
    },
    {
      name: "http-address",
      value: "string",
      default: "0.0.0.0",
      doc: "The address to listen on.",
      use: built((text, draft) => draft.http.address = text),
    },
    {
      name: "http-port",
      value: "integer",
      default: "8000",
      doc: "The port to listen on; 0 takes a free one.",
      use: built((text, draft) => draft.http.port = parsePort(text)),
    },
    {
      name: "reuse-http-port",
      value: "boolean",
      default: "false",
      doc:
        "Whether several servers, all with this flag, may share the port. They should serve the " +
        "same models.",
      use: built((text, draft) => draft.http.reusePort = parseBoolean(text)),
    },
    {
      name: "http-header-forward-pattern",
      value: "pattern",
      doc:
        "Headers in whose name this regular expression finds something, in any case, reach the " +
        "model as request parameters.",
      use: built((text, draft) => draft.http.headerForwardPattern = parsePattern(text)),
    },
    {
      name: "http-thread-count",
      value: "integer",
      default: "1",
      doc: "Threads that serve HTTP, from 1 to 128.",
      use: built((text, draft) => draft.http.threads = parseInteger(text, 1, 128)),
    },
    {
      name: "http-max-input-size",
      value: "integer",
      default: "67108864",
      doc: "The most bytes of a JSON body, of a JSON or raw tensor, and of a body after " +
        "decompression. Binary tensors behind the JSON do not count.",
      use: built((text, draft) => {
        const size = parseInteger(text, undefined, Number.MAX_SAFE_INTEGER);
        if (size <= 0) {
          throw new CommandError("Error: --http-max-input-size must be greater than 0.");
        }
        draft.http.maxInputSize = size;
      }),
    },
    {
      name: "http-restricted-api",
      value: "apis:header=value",
      doc:
        "Refuses requests to these groups of endpoints, separated by commas, unless they have that " +
        "header with that value. The groups: health, metadata, inference, shared-memory, " +
        "model-config, model-repository, statistics, trace, logging. Repeat the flag for more.",
      use: built((text, draft) =>
        addRestriction(draft.http.restrictedFeatures, text, {
          flag: "http-restricted-api",
          noun: "api",
        })
      ),
    },
  ],
};

/** The metrics front end, and what is measured. */
export const METRICS_FLAGS: FlagGroup = {
  title: "Metrics",
  flags: [
    {
      name: "allow-metrics",
      value: "boolean",
      default: "true",
      doc: "Whether to measure, and to serve the metrics.",
      use: built((text, draft) => draft.metrics.allow = parseBoolean(text)),
    },
    {
      name: "allow-gpu-metrics",
      value: "boolean",
      default: "true",
      doc: "Whether the GPUs are measured too.",
      use: built((text, draft) => draft.server.gpuMetrics = parseBoolean(text)),
    },
    {
      name: "allow-cpu-metrics",
      value: "boolean",
      default: "true",
      doc: "Whether CPU and memory are measured too.",
      use: built((text, draft) => draft.server.cpuMetrics = parseBoolean(text)),
    },
    {
      name: "metrics-address",
      value: "string",
      default: "that of --http-address",
      doc: "The address to listen on.",
      use: built((text, draft) => draft.metrics.address = text),
    },
    {
      name: "metrics-port",
      value: "integer",
      default: "8002",
      doc: "The port to listen on; 0 takes a free one.",
      use: built((text, draft) => draft.metrics.port = parsePort(text)),
    },
    {
      name: "metrics-interval-ms",
      value: "number",
      default: "2000",
      doc: "Milliseconds between two measurements of GPUs, CPU and memory.",
      use: built((text, draft) => {
        const interval = parseNumber(text);
        if (interval < 0) {
          throw new CommandError(`Provided option value is out of bound. Got ${text}`);
        }
        draft.server.metricsInterval = Math.trunc(interval);
      }),
    },
    {
      name: "metrics-config",
      value: "setting=value",
      doc: "A setting of the metrics, such as `summary_latencies=true`. Repeat the flag for more.",
      use: built((text, draft) =>
        addSetting(draft.metricsConfig, { name: "", ...parseMetricsSetting(text) })
      ),
    },
  ],
};
