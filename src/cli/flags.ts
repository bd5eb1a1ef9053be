/**
 * All flags of `serve`, in the order and under the headings of `--help`. They are those of the
 * `tritonserver` binary, of release 2.51 and of newer ones.
 *
 * @module
 */
import type { Flag, FlagGroup } from "./flag.ts";
import {
  BACKEND_FLAGS,
  DEPRECATED_FLAGS,
  MEMORY_FLAGS,
  RATE_LIMITER_FLAGS,
  REPOSITORY_AGENT_FLAGS,
  RESPONSE_CACHE_FLAGS,
} from "./flags/core.ts";
import { GRPC_FLAGS } from "./flags/grpc.ts";
import { HTTP_FLAGS, METRICS_FLAGS } from "./flags/http.ts";
import { SAGEMAKER_FLAGS, TRACING_FLAGS, VERTEX_AI_FLAGS } from "./flags/planned.ts";
import { LOGGING_FLAGS, MODEL_REPOSITORY_FLAGS, SERVER_FLAGS } from "./flags/server.ts";
import { SHARED_MEMORY_FLAGS } from "./flags/shared_memory.ts";

/** All flags, by heading. */
export const FLAG_GROUPS: readonly FlagGroup[] = [
  SERVER_FLAGS,
  LOGGING_FLAGS,
  MODEL_REPOSITORY_FLAGS,
  HTTP_FLAGS,
  GRPC_FLAGS,
  SAGEMAKER_FLAGS,
  VERTEX_AI_FLAGS,
  METRICS_FLAGS,
  TRACING_FLAGS,
  BACKEND_FLAGS,
  REPOSITORY_AGENT_FLAGS,
  RESPONSE_CACHE_FLAGS,
  RATE_LIMITER_FLAGS,
  MEMORY_FLAGS,
  SHARED_MEMORY_FLAGS,
  DEPRECATED_FLAGS,
];

/** All flags. */
export const FLAGS: readonly Flag[] = FLAG_GROUPS.flatMap((group) => group.flags);
