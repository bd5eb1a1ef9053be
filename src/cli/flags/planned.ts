/**
 * The flags of what is known but not built yet. Each moves to the file of its feature when that is.
 *
 * @module
 */
import { type FlagGroup, notBuilt } from "../flag.ts";
import { parseBoolean } from "../values.ts";

/** The SageMaker front end. */
export const SAGEMAKER_FLAGS: FlagGroup = {
  title: "SageMaker",
  flags: [
    {
      name: "allow-sagemaker",
      value: "boolean",
      default: "false",
      doc: "Whether to serve Amazon SageMaker.",
      use: notBuilt((text) => !parseBoolean(text)),
    },
    {
      name: "sagemaker-port",
      value: "integer",
      default: "8080",
      doc: "The port to listen on.",
      use: notBuilt(),
    },
    {
      name: "sagemaker-safe-port-range",
      value: "first-last",
      doc: "The ports that the other services may use.",
      use: notBuilt(),
    },
    {
      name: "sagemaker-thread-count",
      value: "integer",
      default: "8",
      doc: "Threads that serve SageMaker.",
      use: notBuilt(),
    },
  ],
};

/** The Vertex AI front end. */
export const VERTEX_AI_FLAGS: FlagGroup = {
  title: "Vertex AI",
  flags: [
    {
      name: "allow-vertex-ai",
      value: "boolean",
      default: "false",
      doc: "Whether to serve Google Vertex AI.",
      use: notBuilt((text) => !parseBoolean(text)),
    },
    {
      name: "vertex-ai-port",
      value: "integer",
      default: "8080",
      doc: "The port to listen on.",
      use: notBuilt(),
    },
    {
      name: "vertex-ai-thread-count",
      value: "integer",
      default: "8",
      doc: "Threads that serve Vertex AI.",
      use: notBuilt(),
    },
    {
      name: "vertex-ai-default-model",
      value: "string",
      doc: "The model of the predict route.",
      use: notBuilt(),
    },
  ],
};

/** Tracing, with its deprecated flags. */
export const TRACING_FLAGS: FlagGroup = {
  title: "Tracing",
  flags: [
    {
      name: "trace-config",
      value: "[mode,]setting=value",
      doc: "A setting of all traces (level, rate, count, mode), or of one mode, triton or " +
        "opentelemetry.",
      use: notBuilt((text) => /^level=(off|false)$/i.test(text)),
    },
    {
      name: "trace-file",
      value: "path",
      doc: "Deprecated: --trace-config=triton,file=<path>.",
      use: notBuilt(),
    },
    {
      name: "trace-level",
      value: "string",
      default: "OFF",
      doc: "Deprecated: --trace-config=level=<OFF|TIMESTAMPS|TENSORS>.",
      use: notBuilt((text) => /^(off|false)$/i.test(text)),
    },
    {
      name: "trace-rate",
      value: "integer",
      default: "1000",
      doc: "Deprecated: --trace-config=rate=<number>.",
      use: notBuilt(),
    },
    {
      name: "trace-count",
      value: "integer",
      default: "-1",
      doc: "Deprecated: --trace-config=count=<number>.",
      use: notBuilt(),
    },
    {
      name: "trace-log-frequency",
      value: "integer",
      default: "0",
      doc: "Deprecated: --trace-config=triton,log-frequency=<number>.",
      use: notBuilt(),
    },
  ],
};
