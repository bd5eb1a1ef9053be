/**
 * The flags of what the server is built on: backends, repository agents, response cache, rate limiter,
 * memory and devices; and the deprecated ones among them.
 *
 * @module
 */
import { CommandError } from "../errors.ts";
import { built, type FlagGroup } from "../flag.ts";
import {
  addSetting,
  parseBackendSetting,
  parseBoolean,
  parseByteSize,
  parseCacheSetting,
  parseInteger,
  parseNumber,
  parsePair,
  parseRateLimiterResource,
  parseSetting,
  parseWord,
} from "../values.ts";

/** Where backends are and what they are told. */
export const BACKEND_FLAGS: FlagGroup = {
  title: "Backend",
  flags: [
    {
      name: "backend-directory",
      value: "path",
      doc: "The folder with a folder for each backend. The default is the one beside the library.",
      use: built((text, draft) => draft.server.backendDirectory = text),
    },
    {
      name: "backend-config",
      value: "backend,setting=value",
      doc:
        "A setting of one backend, or of all without the backend's name. Repeat the flag for more.",
      use: built((text, draft) => addSetting(draft.backendConfig, parseBackendSetting(text))),
    },
  ],
};

/** Where repository agents are. */
export const REPOSITORY_AGENT_FLAGS: FlagGroup = {
  title: "Repository agent",
  flags: [
    {
      name: "repoagent-directory",
      value: "path",
      doc: "The folder with the libraries of repository agents.",
      use: built((text, draft) => draft.server.repoAgentDirectory = text),
    },
  ],
};

/** The response cache. */
export const RESPONSE_CACHE_FLAGS: FlagGroup = {
  title: "Response cache",
  flags: [
    {
      name: "cache-config",
      value: "cache,setting=value",
      doc:
        "Turns a response cache on and sets it up: `local,size=1048576` keeps up to that many bytes " +
        "of responses. Repeat the flag for more settings.",
      use: built((text, draft) => addSetting(draft.cacheConfig, parseCacheSetting(text))),
    },
    {
      name: "cache-directory",
      value: "path",
      doc: "The folder with a folder for each cache. The default is the one beside the library.",
      use: built((text, draft) => draft.server.cacheDirectory = text),
    },
  ],
};

/** The rate limiter. */
export const RATE_LIMITER_FLAGS: FlagGroup = {
  title: "Rate limiter",
  flags: [
    {
      name: "rate-limit",
      value: "execution_count|off",
      default: "off",
      doc:
        "Which model instance runs next: with `off` any that is idle; with `execution_count` the one " +
        "that has run least for its priority, once the resources it lists are free.",
      use: built((text, draft) =>
        draft.server.rateLimiterMode = parseWord(text, "rate-limit", ["execution_count", "off"])
      ),
    },
    {
      name: "rate-limit-resource",
      value: "name:count[:device]",
      doc:
        "How much of a resource there is, on one device or on each. Repeat the flag for more. The " +
        "default is the most that any instance asks for.",
      use: built((text, draft) => draft.rateLimiterResources.push(parseRateLimiterResource(text))),
    },
  ],
};

/** Memory pools, GPUs and the threads that copy. */
export const MEMORY_FLAGS: FlagGroup = {
  title: "Memory and devices",
  flags: [
    {
      name: "pinned-memory-pool-byte-size",
      value: "integer",
      default: "268435456",
      doc: "The bytes of pinned memory for copies between host and GPUs.",
      use: built((text, draft) => draft.server.pinnedMemoryPoolByteSize = parseByteSize(text)),
    },
    {
      name: "cuda-memory-pool-byte-size",
      value: "device:bytes",
      default: "67108864 for each GPU",
      doc: "The bytes of GPU memory for input and output tensors. Repeat the flag for more GPUs.",
      use: built((text, draft) => {
        const [device, size] = parsePair(text, ":");
        draft.cudaMemoryPoolByteSizes[parseInteger(device, 0)] = parseByteSize(size);
      }),
    },
    {
      name: "cuda-virtual-address-size",
      value: "device:bytes",
      default: "1073741824 for each GPU",
      doc:
        "The most that one growable implicit state of a model may take on a GPU. Repeat the flag " +
        "for more GPUs.",
      use: built((text, draft) => {
        const [device, size] = parsePair(text, ":");
        draft.cudaVirtualAddressSizes[parseInteger(device, 0)] = parseByteSize(size);
      }),
    },
    {
      name: "min-supported-compute-capability",
      value: "number",
      default: "what the library was built for",
      doc: "GPUs with a lower CUDA compute capability are not used.",
      use: built((text, draft) => draft.server.minSupportedComputeCapability = parseNumber(text)),
    },
    {
      name: "buffer-manager-thread-count",
      value: "integer",
      default: "0",
      doc: "Threads that help to copy tensors.",
      use: built((text, draft) =>
        draft.server.bufferManagerThreadCount = Math.max(0, parseInteger(text))
      ),
    },
    {
      name: "host-policy",
      value: "policy,setting=value",
      doc: "A setting of a host policy: `numa-node` or `cpu-cores`. Repeat the flag for more.",
      use: built((text, draft) =>
        addSetting(
          draft.hostPolicies,
          parseSetting(text, { flag: "host-policy", nameIs: "policy name", separator: "," }),
        )
      ),
    },
    {
      name: "model-load-gpu-limit",
      value: "device:fraction",
      doc:
        "Refuses to load a model on a GPU of which more than this share, 0 to 1, is in use. Repeat " +
        "the flag for more GPUs.",
      use: built((text, draft) => {
        const [device, share] = parsePair(text, ":");
        const fraction = parseNumber(share);
        if (fraction < 0 || fraction > 1) {
          throw new CommandError(
            `expects limit fraction to be in range [0.0, 1.0], got ${fraction.toFixed(6)}`,
          );
        }
        draft.gpuLoadLimits.set(parseInteger(device, 0), fraction);
      }),
    },
  ],
};

/** What Triton still takes but no longer wants. */
export const DEPRECATED_FLAGS: FlagGroup = {
  title: "Deprecated",
  flags: [
    {
      name: "strict-model-config",
      value: "boolean",
      default: "false",
      doc: "true is the same as --disable-auto-complete-config.",
      use: built((text, draft) => {
        draft.notices.push(
          "Warning: '--strict-model-config' has been deprecated! Please use " +
            "'--disable-auto-complete-config' instead.",
        );
        draft.server.strictModelConfig = parseBoolean(text);
      }),
    },
    {
      name: "response-cache-byte-size",
      value: "integer",
      doc: "The same as --cache-config=local,size=<bytes>.",
      use: built((text, draft) => {
        const size = parseByteSize(text);
        draft.notices.push(
          "Warning: '--response-cache-byte-size' has been deprecated! Please use " +
            `'--cache-config=local,size=${size}' instead.`,
        );
        draft.server.responseCacheByteSize = size;
      }),
    },
  ],
};
