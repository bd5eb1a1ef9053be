/**
 * The two servers that are compared: NVIDIA's `tritonserver` as a process, and ours in this one, on
 * copies of the same models and with the same settings.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { KServeHttp, Server, TraceSettings } from "../../mod.ts";
import { setUpTriton } from "../../src/setup/setup.ts";
import { freePort } from "../support/free_port.ts";
import { GOLDEN_MODELS, sleep } from "../support/real_server.ts";
import { exchange, request } from "../support/wire.ts";

const START_LIMIT_MS = 90_000;

/** What both servers load. */
const MODELS = [
  ...["accumulate", "add_sub", "bf16_pass", "classify", "ens", "fail", "ident_any"],
  ...["identity_bool", "identity_bytes", "identity_bytes1", "identity_fp16", "identity_fp32"],
  ...[
    "identity_fp32_2d",
    "identity_fp32_b",
    "identity_int64",
    "llm",
    "llm_dec",
    "params",
    "repeat",
    "slow",
  ],
];
const HEADER_PATTERN = "X-Fwd-.*";

/** A server that is compared. */
export interface ParityServer {
  readonly port: number;
  /** The folder of its models, which shows in some of its texts. */
  readonly models: string;
  stop(): Promise<void>;
}

/** Starts NVIDIA's server. */
export async function startTheirs(): Promise<ParityServer> {
  const { tritonserver, backendDirectory } = await setUpTriton({ progress: console.error });
  const folder = copyModels();
  const port = await freePort();
  const log = join(folder, "log");
  const output = openSync(log, "w");
  const child = spawn(tritonserver, [
    `--model-repository=${join(folder, "models")}`,
    `--backend-directory=${backendDirectory}`,
    "--model-control-mode=explicit",
    ...MODELS.map((model) => `--load-model=${model}`),
    "--id=parity",
    `--http-port=${port}`,
    "--http-address=127.0.0.1",
    "--allow-grpc=false",
    "--allow-metrics=false",
    `--http-header-forward-pattern=${HEADER_PATTERN}`,
    `--trace-config=triton,file=${TRACE_FILE}`,
    "--log-info=false",
    "--log-warning=false",
    "--log-error=false",
  ], { cwd: folder, stdio: ["ignore", output, output] });
  closeSync(output);
  const pid = child.pid as number;
  let isOver = false;
  const ended = new Promise<void>((resolve) =>
    child.on("exit", () => {
      isOver = true;
      resolve();
    })
  );
  for (const limit = Date.now() + START_LIMIT_MS; !(await isReady(port));) {
    if (isOver || Date.now() > limit) {
      if (!isOver) process.kill(pid, "SIGKILL");
      throw new Error(`Cannot start tritonserver:\n${readFileSync(log, "utf8")}`);
    }
    await sleep(100);
  }
  const stop = async () => {
    if (isOver) throw new Error(`tritonserver has died:\n${readFileSync(log, "utf8")}`);
    process.kill(pid, "SIGTERM");
    // It waits for connections that it takes for open, for up to thirty seconds.
    const kill = setTimeout(() => process.kill(pid, "SIGKILL"), 10_000);
    await ended;
    clearTimeout(kill);
    rmSync(folder, { recursive: true });
  };
  return { port, models: join(folder, "models"), stop };
}

const TRACE_FILE = "parity_trace.json";

/** Starts ours; `server` tells whether anything is left alive. */
export async function startOurs(): Promise<ParityServer & { readonly server: Server }> {
  await setUpTriton({ progress: console.error });
  const folder = copyModels();
  const server = await Server.start({
    modelRepository: join(folder, "models"),
    modelControlMode: "explicit",
    startupModels: MODELS,
    serverId: "parity",
    logInfo: false,
    logWarning: false,
    logError: false,
  });
  const http = await KServeHttp.start(server, {
    address: "127.0.0.1",
    port: 0,
    headerForwardPattern: HEADER_PATTERN,
    traceSettings: new TraceSettings({ file: TRACE_FILE }),
  });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return { server, port: http.port, models: join(folder, "models"), stop };
}

function copyModels(): string {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-parity-"));
  cpSync(GOLDEN_MODELS, join(folder, "models"), { recursive: true });
  // The ensemble's version folder is empty, which git does not keep.
  mkdirSync(join(folder, "models", "ens", "1"), { recursive: true });
  return folder;
}

async function isReady(port: number): Promise<boolean> {
  // Not fetch: it would keep a connection, and tritonserver waits for its connections when it stops.
  const { answer } = await exchange(port, [request({ target: "/v2/health/ready" })]);
  return answer?.status === 200;
}
