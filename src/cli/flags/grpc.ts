/**
 * The flags of the gRPC front end.
 *
 * @module
 */
import { COMPRESSION_LEVELS } from "../../grpc/compression.ts";
import { CommandError } from "../errors.ts";
import { built, type FlagGroup, noEffect } from "../flag.ts";
import { addRestriction } from "../restriction.ts";
import { parseBoolean, parseInteger, parsePattern, parsePort, parseWord } from "../values.ts";

/** The gRPC front end. */
export const GRPC_FLAGS: FlagGroup = {
  title: "gRPC",
  flags: [
    {
      name: "allow-grpc",
      value: "boolean",
      default: "true",
      doc: "Whether to serve gRPC.",
      use: built((text, draft) => draft.grpc.allow = parseBoolean(text)),
    },
    {
      name: "grpc-address",
      value: "string",
      default: "0.0.0.0",
      doc: "The address to listen on.",
      use: built((text, draft) => draft.grpc.address = text),
    },
    {
      name: "grpc-port",
      value: "integer",
      default: "8001",
      doc: "The port to listen on; 0 takes a free one.",
      use: built((text, draft) => draft.grpc.port = parsePort(text)),
    },
    {
      name: "reuse-grpc-port",
      value: "boolean",
      default: "false",
      doc:
        "Whether several servers, all with this flag, may share the port. They should serve the " +
        "same models.",
      use: built((text, draft) => draft.grpc.reusePort = parseBoolean(text)),
    },
    {
      name: "grpc-header-forward-pattern",
      value: "pattern",
      doc:
        "Metadata in whose name this regular expression finds something, in any case, reach the " +
        "model as request parameters.",
      use: built((text, draft) => draft.grpc.forwardHeaderPattern = parsePattern(text)),
    },
    {
      name: "grpc-infer-thread-count",
      value: "integer",
      default: "1",
      doc: "Threads that serve gRPC, from 2 to 128.",
      use: built((text, draft) => draft.grpc.threads = inferThreads(text)),
    },
    {
      name: "grpc-infer-allocation-pool-size",
      value: "integer",
      doc: "How many request objects are kept for reuse.",
      use: noEffect((text) => parseInteger(text), "request objects are not pooled"),
    },
    {
      name: "grpc-max-response-pool-size",
      value: "integer",
      default: "2147483647",
      doc: "How many responses of a request may wait to be written before its model has to wait.",
      use: built((text, draft) => draft.grpc.maxResponsePoolSize = parseInteger(text, 1)),
    },
    {
      name: "grpc-use-ssl",
      value: "boolean",
      default: "false",
      doc: "Whether to serve over TLS.",
      use: built((text, draft) => draft.grpc.useSsl = parseBoolean(text)),
    },
    {
      name: "grpc-use-ssl-mutual",
      value: "boolean",
      default: "false",
      doc:
        "Whether clients must show a certificate, signed by that of --grpc-root-cert. The flag " +
        "itself, even as false, turns --grpc-use-ssl on.",
      use: built((text, draft) => {
        draft.grpc.useMutualAuth = parseBoolean(text);
        draft.grpc.useSsl = true;
      }),
    },
    {
      name: "grpc-server-cert",
      value: "path",
      doc: "The PEM file with the server's certificate.",
      use: built((text, draft) => draft.grpc.serverCert = text),
    },
    {
      name: "grpc-server-key",
      value: "path",
      doc: "The PEM file with the server's private key.",
      use: built((text, draft) => draft.grpc.serverKey = text),
    },
    {
      name: "grpc-root-cert",
      value: "path",
      doc: "The PEM file with the certificate that clients' certificates are checked against.",
      use: built((text, draft) => draft.grpc.rootCert = text),
    },
    {
      name: "grpc-infer-response-compression-level",
      value: "none|low|medium|high",
      default: "none",
      doc: "How much the responses to inferences are compressed.",
      use: built((text, draft) =>
        // With underscores, as tritonserver has it in its message.
        draft.grpc.inferCompressionLevel = parseWord(
          text,
          "grpc_infer_response_compression_level",
          COMPRESSION_LEVELS,
        )
      ),
    },
    {
      name: "grpc-keepalive-time",
      value: "integer",
      default: "7200000",
      doc: "Milliseconds of silence after which a connection is pinged.",
      use: built((text, draft) => draft.grpc.keepaliveTimeMs = parseInteger(text, 0)),
    },
    {
      name: "grpc-keepalive-timeout",
      value: "integer",
      default: "20000",
      doc: "Milliseconds to wait for the answer to a ping before the connection is closed.",
      use: built((text, draft) => draft.grpc.keepaliveTimeoutMs = parseInteger(text, 0)),
    },
    {
      name: "grpc-keepalive-permit-without-calls",
      value: "boolean",
      default: "false",
      doc: "Whether connections without a call are pinged too.",
      use: built((text, draft) => draft.grpc.keepalivePermitWithoutCalls = parseBoolean(text)),
    },
    {
      name: "grpc-http2-max-pings-without-data",
      value: "integer",
      default: "2",
      doc: "How many pings may follow each other without data in between; 0 for any number.",
      use: built((text, draft) => draft.grpc.http2MaxPingsWithoutData = parseInteger(text, 0)),
    },
    {
      name: "grpc-http2-min-recv-ping-interval-without-data",
      value: "integer",
      default: "300000",
      doc: "Milliseconds that a client without data to send must leave between its pings.",
      use: built((text, draft) =>
        draft.grpc.http2MinRecvPingIntervalWithoutDataMs = parseInteger(text, 0)
      ),
    },
    {
      name: "grpc-http2-max-ping-strikes",
      value: "integer",
      default: "2",
      doc: "How many pings may come too early before the connection is closed; 0 for any number.",
      use: built((text, draft) => draft.grpc.http2MaxPingStrikes = parseInteger(text, 0)),
    },
    {
      name: "grpc-max-connection-age",
      value: "integer",
      doc: "Milliseconds, give or take a tenth, after which a connection is asked to go.",
      use: built((text, draft) => draft.grpc.maxConnectionAgeMs = parseInteger(text, 0)),
    },
    {
      name: "grpc-max-connection-age-grace",
      value: "integer",
      doc: "Milliseconds that calls may still take on a connection that was asked to go.",
      use: built((text, draft) => draft.grpc.maxConnectionAgeGraceMs = parseInteger(text, 0)),
    },
    {
      name: "grpc-restricted-protocol",
      value: "protocols:key=value",
      doc: "Refuses calls to these groups of methods, separated by commas, unless they have the " +
        "metadata `triton-grpc-protocol-<key>` with that value. The groups are those of " +
        "--http-restricted-api. Repeat the flag for more.",
      use: built((text, draft) =>
        addRestriction(draft.grpc.restrictedFeatures, text, {
          flag: "grpc-restricted-protocol",
          noun: "protocol",
        })
      ),
    },
  ],
};

function inferThreads(text: string): number {
  const count = parseInteger(text);
  if (count < 2 || count > 128) {
    throw new CommandError(
      "invalid argument for --grpc_infer_thread_count. Must be in the range 2 to 128.",
    );
  }
  return count;
}
