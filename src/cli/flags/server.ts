/**
 * The flags of the server itself, its log, and its model repository.
 *
 * @module
 */
import { CommandError } from "../errors.ts";
import { built, type FlagGroup } from "../flag.ts";
import { parseBoolean, parseInteger, parseWord } from "../values.ts";

/** `--id` and the time-out of the end. */
export const SERVER_FLAGS: FlagGroup = {
  title: "Server",
  flags: [
    {
      name: "id",
      value: "string",
      default: "triton",
      doc: "The server's name in its metadata.",
      use: built((text, draft) => draft.server.serverId = text),
    },
    {
      name: "exit-timeout-secs",
      value: "integer",
      default: "30",
      doc: "At the end, how many seconds to wait for open connections and running inferences.",
      use: built((text, draft) => draft.server.exitTimeout = Math.max(0, parseInteger(text))),
    },
  ],
};

/** The log of the process. */
export const LOGGING_FLAGS: FlagGroup = {
  title: "Logging",
  flags: [
    {
      name: "log-verbose",
      value: "integer",
      default: "0",
      doc: "The level of verbose log lines; 0 writes none.",
      use: built((text, draft) => draft.server.logVerbose = parseVerbosity(text)),
    },
    {
      name: "log-info",
      value: "boolean",
      default: "true",
      doc: "Whether information is logged.",
      use: built((text, draft) => draft.server.logInfo = parseBoolean(text)),
    },
    {
      name: "log-warning",
      value: "boolean",
      default: "true",
      doc: "Whether warnings are logged.",
      use: built((text, draft) => draft.server.logWarning = parseBoolean(text)),
    },
    {
      name: "log-error",
      value: "boolean",
      default: "true",
      doc: "Whether errors are logged.",
      use: built((text, draft) => draft.server.logError = parseBoolean(text)),
    },
    {
      name: "log-format",
      value: "default|ISO8601",
      default: "default",
      doc:
        "How a log line begins: `LMMDD hh:mm:ss.ssssss` or `YYYY-MM-DDThh:mm:ssZ L`, where L is " +
        "the first letter of its level.",
      use: built((text, draft) => {
        if (text !== "default" && text !== "ISO8601") {
          throw new CommandError("invalid argument for --log-format");
        }
        draft.server.logFormat = text;
      }),
    },
    {
      name: "log-file",
      value: "path",
      doc: "The file to append log lines to, instead of the console.",
      use: built((text, draft) => draft.server.logFile = text),
    },
  ],
};

/** Which models are served, and how they are loaded. */
export const MODEL_REPOSITORY_FLAGS: FlagGroup = {
  title: "Model repository",
  flags: [
    {
      name: "model-store",
      value: "path",
      doc: "The same as --model-repository.",
      use: built((text, draft) => draft.modelRepositories.add(text)),
    },
    {
      name: "model-repository",
      value: "path",
      doc:
        "A folder of models. Repeat the flag for more folders; a model that is in two of them is " +
        "not served.",
      use: built((text, draft) => draft.modelRepositories.add(text)),
    },
    {
      name: "exit-on-error",
      value: "boolean",
      default: "true",
      doc: "Whether a model that fails to load at the start ends the server.",
      use: built((text, draft) => draft.server.exitOnError = parseBoolean(text)),
    },
    {
      name: "disable-auto-complete-config",
      doc: "Takes model configurations as they are written: what they leave out is not filled in.",
      use: built((_, draft) => draft.disableAutoCompleteConfig = true),
    },
    {
      name: "strict-readiness",
      value: "boolean",
      default: "true",
      doc: "Whether the server says it is ready only while all its models are.",
      use: built((text, draft) => draft.server.strictReadiness = parseBoolean(text)),
    },
    {
      name: "model-control-mode",
      value: "none|poll|explicit",
      default: "none",
      doc:
        "Who loads models: `none` loads all at the start and never again; `poll` follows changes " +
        "in the repository; `explicit` loads those of --load-model and then what clients ask for.",
      use: built((text, draft) =>
        draft.server.modelControlMode = parseWord(text, "model-control-mode", [
          "none",
          "poll",
          "explicit",
        ])
      ),
    },
    {
      name: "repository-poll-secs",
      value: "integer",
      default: "15",
      doc:
        "With --model-control-mode=poll, the seconds between two looks at the repository; 0 never " +
        "looks.",
      use: built((text, draft) => draft.repositoryPollSeconds = parseInteger(text, 0)),
    },
    {
      name: "load-model",
      value: "string",
      doc:
        "With --model-control-mode=explicit, a model to load at the start. Repeat the flag for " +
        "more models, or give `*`, alone, for all.",
      use: built((text, draft) => draft.startupModels.add(text)),
    },
    {
      name: "model-config-name",
      value: "string",
      doc:
        "Takes each model's configuration from `configs/<this name>.pbtxt` in its folder, where " +
        "there is one.",
      use: built((text, draft) => {
        if (text === "") {
          throw new CommandError("Error: empty argument for --model-config-name");
        }
        draft.server.modelConfigName = text;
      }),
    },
    {
      name: "model-load-thread-count",
      value: "integer",
      default: "4",
      doc: "How many models are loaded at the same time.",
      use: built((text, draft) =>
        draft.server.modelLoadThreadCount = Math.max(1, parseInteger(text, 0))
      ),
    },
    {
      name: "model-load-retry-count",
      value: "integer",
      default: "0",
      doc: "How often a failed load is tried again.",
      use: built((text, draft) => draft.server.modelLoadRetryCount = parseInteger(text, 0)),
    },
    {
      name: "model-namespacing",
      value: "boolean",
      default: "false",
      doc: "Whether models of one name may be served from several repositories.",
      use: built((text, draft) => draft.server.modelNamespacing = parseBoolean(text)),
    },
    {
      name: "enable-peer-access",
      value: "boolean",
      default: "true",
      doc: "Whether GPUs may read each other's memory, where the machine can do that.",
      use: built((text, draft) => draft.server.enablePeerAccess = parseBoolean(text)),
    },
  ],
};

/** A level, or true for 1 and false for 0. */
function parseVerbosity(text: string): number {
  switch (text.toLowerCase()) {
    case "true":
      return 1;
    case "false":
      return 0;
  }
  return Math.max(0, parseInteger(text));
}
