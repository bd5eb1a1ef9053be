/**
 * The commands as processes of the runtime that runs this test. Needs a Triton that is set up.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { after, test } from "node:test";
import { DEMO_MODEL, writeDemoModel } from "../../src/cli/demo_model.ts";
import { FLAGS } from "../../src/cli/flags.ts";
import { findSetUpTriton } from "../../src/setup/installation.ts";

const CLI = join(import.meta.dirname!, "../../cli.ts");
const RUN = process.versions.bun ? ["run"] : ["run", "-A", "--quiet"];

const folder = mkdtempSync(join(tmpdir(), "triton-ts-serve-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const repository = join(folder, "models");
writeDemoModel(repository);

const FREE_PORTS = ["--http-port=0", "--grpc-port=0", "--metrics-port=0"];
const LOCAL = ["--http-address=127.0.0.1", "--grpc-address=127.0.0.1"];
const SERVE = ["serve", `--model-repository=${repository}`, "--allow-gpu-metrics=false", ...LOCAL];

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command under way. */
class Command {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ended>;
  readonly #child;

  constructor(...args: string[]);
  constructor(options: { env: Record<string, string> }, ...args: string[]);
  constructor(first: string | { env: Record<string, string> }, ...others: string[]) {
    const [args, env] = typeof first === "string" ? [[first, ...others], {}] : [others, first.env];
    this.#child = spawn(process.execPath, [...RUN, CLI, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.on("data", (data) => this.stdout += data);
    this.#child.stderr.on("data", (data) => this.stderr += data);
    this.ended = new Promise((resolve) =>
      this.#child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }))
    );
  }

  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    // Deno's child.kill() makes the exit code unknown, whatever the process does with the signal.
    process.kill(this.#child.pid!, signal);
  }

  /** The first match of `pattern` in what it writes. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const running = { over: false };
    this.ended.then(() => running.over = true);
    for (let waited = 0; waited < 60_000; waited += 50) {
      const match = pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
      if (match) return match;
      assert.equal(running.over, false, `ended without ${pattern}:\n${this.stderr}`);
      await sleep(50);
    }
    this.kill("SIGKILL");
    assert.fail(`does not say ${pattern}:\n${this.stderr}`);
  }
}

/** Where the services say that they listen, as `host:port`. */
async function places(command: Command): Promise<{ grpc: string; http: string; metrics: string }> {
  const [, metrics] = await command.says(/"Started Metrics Service at (\S+)"/);
  const [, http] = await command.says(/"Started HTTPService at (\S+)"/);
  const [, grpc] = await command.says(/"Started GRPCInferenceService at (\S+)"/);
  return { grpc, http, metrics };
}

test("serve answers, and ends with 0 after SIGTERM", async () => {
  const command = new Command(...SERVE, ...FREE_PORTS, "--http-thread-count=3");
  const { http, grpc, metrics } = await places(command);
  assert.match(http, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.match(grpc, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.match(command.stderr, /\| add_sub \| 1 +\| READY +\|/);

  const response = await fetch(`http://${http}/v2/models/${DEMO_MODEL}/infer`, {
    method: "POST",
    body: JSON.stringify({
      inputs: ["A", "B"].map((name) => ({ name, datatype: "FP32", shape: [2], data: [3, 4] })),
    }),
  });
  const { outputs } = await response.json() as { outputs: { name: string; data: number[] }[] };
  assert.deepEqual(outputs.find(({ name }) => name === "SUM")?.data, [6, 8]);
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  assert.match(text, /^nv_inference_count\{model="add_sub",version="1"\} 1$/m);

  command.kill("SIGTERM");
  const { code, stdout } = await command.ended;
  assert.equal(code, 0);
  assert.match(stdout, /^Signal \(15\) received\.$/m);
});

test("serve ends once, however many signals come", async () => {
  const command = new Command(...SERVE, ...FREE_PORTS);
  await places(command);
  command.kill("SIGINT");
  await command.says(/Signal \(2\) received\./);
  command.kill("SIGINT");
  const { code } = await command.ended;
  assert.equal(code, 0);
});

test("serve polls the repository", async () => {
  const polled = join(folder, "polled");
  mkdirSync(polled);
  const command = new Command(
    "serve",
    `--model-repository=${polled}`,
    "--allow-gpu-metrics=false",
    ...LOCAL,
    ...FREE_PORTS,
    "--model-control-mode=poll",
    "--repository-poll-secs=1",
  );
  await places(command);
  writeDemoModel(polled);
  await command.says(/successfully loaded 'add_sub'/);
  command.kill("SIGTERM");
  assert.equal((await command.ended).code, 0);
});

test("serve logs to a file when told so", async () => {
  const path = join(folder, "serve.log");
  const command = new Command(
    ...SERVE,
    ...FREE_PORTS,
    "--model-control-mode=explicit",
    `--log-file=${path}`,
    "--log-format=ISO8601",
  );
  const started = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ I \d+ \S+:\d+\] "Started Metrics Service at /m;
  for (let waited = 0; waited < 60_000; waited += 100) {
    await sleep(100);
    try {
      if (started.test(readFileSync(path, "utf8"))) break;
    } catch {
      continue; // not there yet
    }
  }
  command.kill("SIGTERM");
  assert.equal((await command.ended).code, 0);
  assert.match(readFileSync(path, "utf8"), started);
  assert.equal(command.stderr.includes("Started"), false);
});

test("serve ends with 1 and tritonserver's text when the server does not start", async () => {
  const nothing = new Command("serve", "--allow-gpu-metrics=false");
  assert.equal((await nothing.ended).code, 1);
  assert.match(
    nothing.stderr,
    /^error: creating server: Invalid argument - --model-repository must be specified$/m,
  );
  const missing = new Command(...SERVE, "--model-control-mode=explicit", "--load-model=nope");
  assert.equal((await missing.ended).code, 1);
  assert.match(missing.stderr, /^error: creating server: Internal - failed to load all models$/m);
});

test("serve ends with 1 when a port is taken", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as { port: number };
  for (
    const [name, service] of [["http", "HTTP"], ["grpc", "GRPC"], ["metrics", "Metrics"]]
  ) {
    const flags = FREE_PORTS.map((flag) => flag.replace(`${name}-port=0`, `${name}-port=${port}`));
    const command = new Command(...SERVE, ...flags, "--model-control-mode=explicit");
    const { code, stderr } = await command.ended;
    assert.equal(code, 1, name);
    const text =
      `"failed to start ${service} service: Unavailable - Socket '127.0.0.1:${port}' already in use "`;
    assert.ok(stderr.includes(text), stderr);
  }
  holder.close();
});

test("a command line that is wrong ends with 1 and says what", async () => {
  const flag = await new Command("serve", "--htp-port=1").ended;
  assert.deepEqual(flag, {
    code: 1,
    stdout: "",
    stderr: "unrecognized option '--htp-port'; did you mean '--http-port'?\n",
  });
  const command = await new Command("sevre").ended;
  assert.equal(command.code, 1);
  assert.equal(command.stderr, "Unknown command 'sevre': did you mean 'serve'?\n");
  const none = await new Command("--model-repository=/models").ended;
  assert.equal(none.code, 1);
  assert.match(none.stderr, /did you mean 'serve --model-repository=\/models'/);
});

test("--help and --version end with 0", async () => {
  const help = await new Command("serve", "--help").ended;
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--model-repository <path>/);
  assert.match((await new Command("--help").ended).stdout, /^Usage: cli\.ts <command>/);
  assert.match(
    (await new Command("--version").ended).stdout,
    /^@triton-ts\/frontend \d+\.\d+\.\d+\n$/,
  );
});

test("demo --once shows what it reads in the picture, through each front end", async () => {
  const { code, stdout, stderr } = await new Command("demo", "--once").ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/^ +[01]\.\d\d {2}Triton serves TypeScript$/gm)?.length, 2, stdout);
  assert.match(stdout, /^ +nv_inference_count\{model="read_text",version="1"\} 2$/m);
});

test("demo asks a small model on a Triton that set-up did not make", async () => {
  const triton = findSetUpTriton();
  assert.ok(triton, "no Triton is set up: run the command 'setup'");
  const env = {
    TRITON_TS_HOME: join(folder, "none"),
    TRITON_SERVER_LIBRARY: triton.library,
    TRITON_BACKEND_DIRECTORY: triton.backendDirectory,
  };
  const { code, stdout, stderr } = await new Command({ env }, "demo", "--once").ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/^ +SUM 1\.5 2\.5 3\.5$/gm)?.length, 2, stdout);
});

test("demo says how to choose another port when one is taken", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as { port: number };
  const { code, stderr } = await new Command("demo", "--once", `--grpc-port=${port}`).ended;
  holder.close();
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `Cannot serve gRPC on port ${port}: another program listens there. Choose another port with ` +
      "demo --grpc-port=<port>, or take any free one with demo --grpc-port=0.\n",
  );
});

test("FLAGS has every flag of the real tritonserver", () => {
  const triton = findSetUpTriton();
  assert.ok(triton, "no Triton is set up: run the command 'setup'");
  const { stderr } = spawnSync(triton.tritonserver, ["--help"], { encoding: "utf8" });
  const names = Array.from(stderr.matchAll(/^ {2}--([a-z0-9-]+)/gm), ([, name]) => name)
    .filter((name) => name !== "help");
  assert.ok(names.length > 80);
  const known = new Set(FLAGS.map((flag) => flag.name));
  assert.deepEqual(names.filter((name) => !known.has(name)), []);
});
