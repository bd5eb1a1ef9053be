/**
 * The command line: how flags are split, what they mean, and the texts of their errors. The expected
 * texts are those of tritonserver 2.51.0.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { FLAGS } from "../../src/cli/flags.ts";
import { flagTables, serveHelp } from "../../src/cli/help.ts";
import { formatLogLine } from "../../src/cli/log.ts";
import { nearest } from "../../src/cli/nearest.ts";
import { parseServeOptions, type ServeOptions } from "../../src/cli/serve_options.ts";

function parse(...args: string[]): ServeOptions {
  const options = parseServeOptions(args);
  assert.notEqual(options, "help");
  return options as ServeOptions;
}

function refuses(args: string[], message: string): void {
  assert.throws(
    () => parseServeOptions(args),
    { name: "CommandError", message },
    args.join(" "),
  );
}

test("parseServeOptions() has tritonserver's defaults", () => {
  const { server, http, grpc, metrics, repositoryPollSeconds, notices } = parse();
  assert.equal(server.logInfo, true);
  assert.equal(server.logWarning, true);
  assert.equal(server.logError, true);
  assert.equal(server.strictModelConfig, false);
  assert.deepEqual([server.metrics, server.gpuMetrics, server.cpuMetrics], [true, true, true]);
  assert.deepEqual([http?.address, http?.port], ["0.0.0.0", 8000]);
  assert.deepEqual([grpc?.address, grpc?.port], ["0.0.0.0", 8001]);
  assert.deepEqual([metrics?.address, metrics?.port], ["0.0.0.0", 8002]);
  assert.equal(repositoryPollSeconds, 0);
  assert.deepEqual(notices, []);
});

test("parseServeOptions() takes both forms of a value, and beginnings of names", () => {
  assert.equal(parse("--http-port=9").http?.port, 9);
  assert.equal(parse("--http-port", "9").http?.port, 9);
  assert.equal(parse("--http-p", "9").http?.port, 9);
  assert.equal(parse("--http-p=9").http?.port, 9);
  assert.equal(parse("--id", "--http-port").server.serverId, "--http-port");
  assert.equal(parse("--id=a=b").server.serverId, "a=b");
  assert.equal(parse("--id=").server.serverId, "");
  assert.equal(parse("--id=first", "--id=last").server.serverId, "last");
  refuses(
    ["--http=1"],
    "option '--http' is ambiguous; possibilities: '--http-address' '--http-port' " +
      "'--http-header-forward-pattern' '--http-thread-count' '--http-max-input-size' " +
      "'--http-restricted-api'",
  );
});

test("parseServeOptions() refuses what getopt_long refuses", () => {
  refuses(["--http-port"], "option '--http-port' requires an argument");
  refuses(["--allow-http"], "option '--allow-http' requires an argument");
  refuses(
    ["--disable-auto-complete-config=1"],
    "option '--disable-auto-complete-config' doesn't allow an argument",
  );
  refuses(["--help=1"], "option '--help' doesn't allow an argument");
  refuses(["foo"], "Unexpected argument: foo");
  refuses(["-"], "Unexpected argument: -");
  refuses(["--id=a", "--", "--id=b"], "Unexpected argument: --id=b");
  refuses(["-p", "1"], "invalid option '-p': flags begin with two dashes");
  refuses(["--bogus--"], "unrecognized option '--bogus--'");
  refuses(["--htp-port=1"], "unrecognized option '--htp-port'; did you mean '--http-port'?");
});

test("parseServeOptions() reports the first mistake", () => {
  const badPort = 'Bad option: "--http-port".\nInvalid option value. Got abc';
  refuses(["foo", "--http-port=abc"], badPort);
  refuses(["--http-port=abc", "--bogus--"], badPort);
  refuses(["--bogus--", "--http-port=abc"], "unrecognized option '--bogus--'");
  assert.equal(parseServeOptions(["--id=a", "--help", "--bogus--"]), "help");
});

test("parseServeOptions() reads booleans", () => {
  for (const word of ["true", "TRUE", "On", "1"]) {
    assert.ok(parse(`--allow-http=${word}`).http, word);
  }
  for (const word of ["false", "False", "OFF", "0"]) {
    assert.equal(parse(`--allow-http=${word}`).http, undefined, word);
  }
  for (const word of ["yes", "maybe", ""]) {
    refuses(
      [`--allow-http=${word}`],
      `Bad option: "--allow-http".\ninvalid value for bool option: ${word}`,
    );
  }
  assert.equal(parse("--log-verbose=true").server.logVerbose, 1);
  assert.equal(parse("--log-verbose=3").server.logVerbose, 3);
});

test("parseServeOptions() reads numbers", () => {
  const invalid = (flag: string, value: string) =>
    refuses(
      [`--${flag}=${value}`],
      `Bad option: "--${flag}".\nInvalid option value. Got ${value}`,
    );
  const outside = (flag: string, value: string) =>
    refuses(
      [`--${flag}=${value}`],
      `Bad option: "--${flag}".\nProvided option value is out of bound. Got ${value}`,
    );
  invalid("http-port", "");
  invalid("http-port", "12abc");
  invalid("exit-timeout-secs", "abc");
  invalid("pinned-memory-pool-byte-size", "x");
  invalid("metrics-interval-ms", "abc");
  invalid("min-supported-compute-capability", "abc");
  outside("http-port", "99999999999");
  outside("http-port", "70000");
  outside("grpc-port", "-1");
  outside("repository-poll-secs", "-1");
  assert.equal(parse("--exit-timeout-secs=-1").server.exitTimeout, 0);
  assert.equal(parse("--metrics-interval-ms=1.5").server.metricsInterval, 1);
  assert.equal(
    parse("--min-supported-compute-capability=7.5").server.minSupportedComputeCapability,
    7.5,
  );
  assert.equal(
    parse("--pinned-memory-pool-byte-size=68719476736").server.pinnedMemoryPoolByteSize,
    68719476736,
  );
  refuses(
    ["--http-max-input-size=0"],
    'Bad option: "--http-max-input-size".\nError: --http-max-input-size must be greater than 0.',
  );
});

test("parseServeOptions() reads words", () => {
  assert.equal(
    parse("--model-control-mode=EXPLICIT").server.modelControlMode,
    "explicit",
  );
  assert.equal(parse("--rate-limit=Execution_Count").server.rateLimiterMode, "execution_count");
  assert.equal(parse("--log-format=ISO8601").server.logFormat, "ISO8601");
  for (
    const [flag, value, spelled] of [
      ["model-control-mode", "foo", "model-control-mode"],
      ["rate-limit", "foo", "rate-limit"],
      ["log-format", "iso8601", "log-format"],
      [
        "grpc-infer-response-compression-level",
        "foo",
        "grpc_infer_response_compression_level",
      ],
    ]
  ) {
    refuses([`--${flag}=${value}`], `Bad option: "--${flag}".\ninvalid argument for --${spelled}`);
  }
  refuses(
    ["--model-config-name="],
    'Bad option: "--model-config-name".\nError: empty argument for --model-config-name',
  );
});

test("parseServeOptions() collects repeated flags", () => {
  const { server } = parse(
    "--model-repository=/a",
    "--model-store=/b",
    "--model-repository=/a",
    "--backend-config=python,shm-region-prefix-name=p",
    "--backend-config=default-max-batch-size=4",
    "--backend-config=python,stub-timeout-seconds=9",
    "--cache-config=local,size=1024",
    "--host-policy=p0,numa-node=0",
    "--metrics-config=summary_latencies=true",
    "--metrics-config=summary_quantiles=0.5:0.05,0.9:0.01",
    "--rate-limit-resource=R1:4",
    "--rate-limit-resource=R2:2:1",
    "--cuda-memory-pool-byte-size=0:1024",
    "--cuda-memory-pool-byte-size=1:2048",
    "--cuda-virtual-address-size=0:4096",
    "--model-load-gpu-limit=0:0.5",
    "--model-control-mode=explicit",
    "--load-model=x",
    "--load-model=y",
  );
  assert.deepEqual(server.modelRepository, ["/a", "/b"]);
  assert.deepEqual(server.backendConfig, {
    python: { "shm-region-prefix-name": "p", "stub-timeout-seconds": "9" },
    "": { "default-max-batch-size": "4" },
  });
  assert.deepEqual(server.cacheConfig, { local: { size: "1024" } });
  assert.deepEqual(server.hostPolicies, { p0: { "numa-node": "0" } });
  assert.deepEqual(server.metricsConfig, {
    "": { summary_latencies: "true", summary_quantiles: "0.5:0.05,0.9:0.01" },
  });
  assert.deepEqual(server.rateLimiterResources, [
    { name: "R1", count: 4, device: -1 },
    { name: "R2", count: 2, device: 1 },
  ]);
  assert.deepEqual(server.cudaMemoryPoolByteSizes, { 0: 1024, 1: 2048 });
  assert.deepEqual(server.cudaVirtualAddressSizes, { 0: 4096 });
  assert.deepEqual(server.modelLoadDeviceLimits, [{ kind: "gpu", device: 0, fraction: 0.5 }]);
  assert.deepEqual(server.startupModels, ["x", "y"]);
});

test("parseServeOptions() refuses malformed settings with tritonserver's texts", () => {
  const bad = (flag: string, value: string, reason: string) =>
    refuses([`--${flag}=${value}`], `Bad option: "--${flag}".\n${reason}`);
  for (const value of ["python", "python,a", "python,a=", "python,=1", "="]) {
    bad(
      "backend-config",
      value,
      `--backend-config option format is '<backend name>,<setting>=<value>'. Got ${value}`,
    );
  }
  bad(
    "backend-config",
    ",a=1",
    "No backend specified. --backend-config option format is <backend name>,<setting>=<value> or " +
      "<setting>=<value>. Got ,a=1",
  );
  for (const value of ["local", "a=1", ",a=1"]) {
    bad(
      "cache-config",
      value,
      "No cache specified. --cache-config option format is <cache name>,<setting>=<value>. " +
        `Got ${value}`,
    );
  }
  for (const value of ["local,size", "local,size="]) {
    bad(
      "cache-config",
      value,
      `--cache-config option format is '<cache name>,<setting>=<value>'. Got ${value}`,
    );
  }
  for (const value of ["a", "a,b", ",b=1", "a,=1", "a,b="]) {
    bad(
      "host-policy",
      value,
      `--host-policy option format is '<policy name>,<setting>=<value>'. Got ${value}`,
    );
  }
  for (const value of ["a", "a,b=c", "a,b", "=1", "a="]) {
    bad(
      "metrics-config",
      value,
      `--metrics-config option format is <setting>=<value>. Got ${value}`,
    );
  }
  for (const value of ["a", "a:1:2:3"]) {
    bad(
      "rate-limit-resource",
      value,
      "--rate-limit-resource option format is '<resource_name>:<count>:<device>' or " +
        `'<resource_name>:<count>'. Got ${value}`,
    );
  }
  bad("rate-limit-resource", "a:b", "Invalid option value. Got b");
  bad("rate-limit-resource", "a:1:x", "Invalid option value. Got x");
  for (
    const flag of [
      "cuda-memory-pool-byte-size",
      "cuda-virtual-address-size",
      "model-load-gpu-limit",
    ]
  ) {
    bad(
      flag,
      "1",
      "Cannot parse pair option due to incorrect number of inputs.--<pair option> argument requires " +
        "format <first>:<second>. Found: 1",
    );
    bad(flag, "a:1", "Invalid option value. Got a");
    bad(flag, "0:x", "Invalid option value. Got x");
  }
  bad(
    "model-load-gpu-limit",
    "0:2",
    "expects limit fraction to be in range [0.0, 1.0], got 2.000000",
  );
});

test("parseServeOptions() reads restrictions", () => {
  const { http, grpc } = parse(
    "--http-restricted-api=health:h-key=h-val",
    "--http-restricted-api=metadata,inference:infer-key=infer=val",
    "--grpc-restricted-protocol=logging:k=v",
  );
  assert.deepEqual(http?.restrictedFeatures?.get("inference"), {
    key: "infer-key",
    value: "infer=val",
  });
  assert.deepEqual(http?.restrictedFeatures?.get("health"), { key: "h-key", value: "h-val" });
  assert.equal(http?.restrictedFeatures?.has("logging"), false);
  assert.deepEqual(grpc?.restrictedFeatures?.get("logging"), { key: "k", value: "v" });
  for (const value of ["a", "health:k", "health:k="]) {
    refuses(
      [`--http-restricted-api=${value}`],
      'Bad option: "--http-restricted-api".\n--http-restricted-api option format is ' +
        `'<config name>:<setting>=<value>'. Got ${value}`,
    );
  }
  refuses(
    ["--http-restricted-api=bogus:k=v"],
    "Bad option: \"--http-restricted-api\".\nunknown restricted api 'bogus' ",
  );
  refuses(
    ["--http-restricted-api=health:k=v", "--http-restricted-api=trace,health:k=v"],
    "Bad option: \"--http-restricted-api\".\nrestricted api 'health' can not be specified in " +
      "multiple config groups",
  );
  refuses(
    ["--grpc-restricted-protocol=bogus:k=v"],
    "Bad option: \"--grpc-restricted-protocol\".\nunknown restricted protocol 'bogus' ",
  );
});

test("parseServeOptions() checks flags against each other", () => {
  const needsExplicit =
    "Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well.";
  refuses(["--load-model=a"], needsExplicit);
  refuses(["--load-model=a", "--model-control-mode=poll"], needsExplicit);
  refuses(
    ["--cache-config=local,size=1", "--response-cache-byte-size=5"],
    "Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. Please " +
      "provide one or the other.",
  );
  assert.equal(parse("--repository-poll-secs=3").repositoryPollSeconds, 0);
  assert.equal(
    parse("--repository-poll-secs=3", "--model-control-mode=poll").repositoryPollSeconds,
    3,
  );
  assert.equal(parse("--model-control-mode=poll").repositoryPollSeconds, 15);

  const quiet = parse("--allow-metrics=false", "--allow-gpu-metrics=true").server;
  assert.deepEqual([quiet.metrics, quiet.gpuMetrics, quiet.cpuMetrics], [false, false, false]);

  assert.equal(parse("--disable-auto-complete-config").server.strictModelConfig, true);
  const overridden = parse("--strict-model-config=false", "--disable-auto-complete-config");
  assert.equal(overridden.server.strictModelConfig, true);
  assert.equal(overridden.notices.length, 2);
});

test("parseServeOptions() refuses two services at one place", () => {
  const collide = (args: string[], one: string, other: string, place: string) =>
    refuses(
      args,
      `The server cannot listen to ${one} requests and ${other} requests at the same address and ` +
        `port ${place}`,
    );
  collide(["--http-port=8001"], "HTTP", "GRPC", "0.0.0.0:8001");
  collide(["--http-port=8002"], "HTTP", "metrics", "0.0.0.0:8002");
  collide(["--http-port=8001", "--metrics-port=8001"], "HTTP", "GRPC", "0.0.0.0:8001");
  collide(["--allow-http=false", "--grpc-port=8002"], "GRPC", "metrics", "0.0.0.0:8002");
  assert.ok(parse("--http-port=8001", "--http-address=127.0.0.1"));
  assert.ok(parse("--grpc-port=8002", "--metrics-address=127.0.0.1"));
  assert.ok(parse("--http-port=8001", "--allow-grpc=false"));
  assert.ok(parse("--http-port=0", "--grpc-port=0", "--metrics-port=0"));
});

test("parseServeOptions() lets metrics listen where HTTP does", () => {
  assert.equal(parse("--http-address=127.0.0.1").metrics?.address, "127.0.0.1");
  assert.equal(
    parse("--http-address=127.0.0.1", "--metrics-address=::1").metrics?.address,
    "::1",
  );
});

test("parseServeOptions() lets both front ends take the shared memory of clients", () => {
  const allowed = (...args: string[]) => {
    const { http, grpc } = parse("--allow-client-shm", ...args);
    return [http?.allowClientSharedMemory, grpc?.allowClientSharedMemory];
  };
  assert.deepEqual(allowed("true"), [true, true]);
  assert.deepEqual(allowed("0"), [false, false]);
});

test("parseServeOptions() says what is not built, and takes it where it changes nothing", () => {
  for (const arg of ["--vertex-ai-port=1", "--allow-vertex-ai=true", "--trace-config=rate=1"]) {
    assert.throws(
      () => parseServeOptions([arg]),
      /^CommandError: Bad option: "--[a-z-]+"\.\n--[a-z-]+ is known but not built yet in @triton-ts/,
      arg,
    );
  }
  parse(
    "--allow-vertex-ai=false",
    "--allow-sagemaker=0",
    "--trace-level=OFF",
    "--trace-config=level=off",
  );
  refuses(
    ["--allow-vertex-ai=maybe"],
    'Bad option: "--allow-vertex-ai".\ninvalid value for bool option: maybe',
  );
});

test("parseServeOptions() notes flags without effect", () => {
  assert.deepEqual(parse("--grpc-infer-allocation-pool-size=4").notices, [
    "--grpc-infer-allocation-pool-size has no effect: request objects are not pooled",
  ]);
  refuses(
    ["--grpc-infer-allocation-pool-size=x"],
    'Bad option: "--grpc-infer-allocation-pool-size".\nInvalid option value. Got x',
  );
});

test("FLAGS has each flag of tritonserver once", () => {
  const names = FLAGS.map((flag) => flag.name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.length, 90);
});

test("nearest() prefers the fewest edits for the length", () => {
  const names = FLAGS.map((flag) => flag.name);
  assert.equal(nearest("model-repo", names), "model-repository");
  assert.equal(nearest("port", names), "http-port");
  assert.equal(nearest("", names), undefined);
});

test("serveHelp() shows every flag", () => {
  const help = serveHelp();
  for (const { name } of FLAGS) assert.ok(help.includes(`  --${name}`), name);
  for (const line of help.split("\n")) assert.ok(line.length <= 100, line);
});

test("docs/cli.md has the flag tables", () => {
  const path = join(import.meta.dirname!, "../../docs/cli.md");
  const begin = "<!-- deno-fmt-ignore-start -->\n";
  const end = "<!-- deno-fmt-ignore-end -->";
  const text = readFileSync(path, "utf8");
  const made = `${text.split(begin)[0]}${begin}\n${flagTables()}\n${end}${text.split(end)[1]}`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(path, made);
  else assert.equal(text, made, "run the test with UPDATE_DOCS=1 to write the tables anew");
});

test("formatLogLine() writes as Triton does", () => {
  const line = {
    level: "info",
    message: 'Started "it"',
    time: new Date("2026-11-22T03:04:57.123Z"),
    pid: 7,
  } as const;
  assert.equal(
    formatLogLine("default", line),
    'I1122 03:04:57.123000 7 serve.ts:1] "Started \\"it\\""',
  );
  assert.equal(
    formatLogLine("ISO8601", { ...line, level: "error" }),
    '2026-11-22T03:04:57Z E 7 serve.ts:1] "Started \\"it\\""',
  );
});
