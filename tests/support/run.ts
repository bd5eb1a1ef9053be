/**
 * Runs the test-suite on both runtimes: every test file in a process of its own on each, and at the end
 * one line `N passed, N failed` over all of them. Sets up Triton first, and fails when that fails.
 *
 *     deno run -A tests/support/run.ts [--deno|--bun] [PART-OF-A-PATH ...]
 *
 * @module
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { setUpTriton } from "../../src/setup/setup.ts";
import { ROOT, runCommand, runtimeCommand } from "./command.ts";
import { echoBackends } from "./echo_backend.ts";

const scratch = mkdtempSync(join(tmpdir(), "triton-ts-tests-"));
/** No file may take longer; a hang is a failure, not a run that never ends. */
const FILE_LIMIT_MS = 15 * 60 * 1000;

interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

interface Runtime {
  readonly name: string;
  /** The arguments that run one test file and write a JUnit report. */
  command(file: string, report: string): string[];
  /** What it can test besides test files. */
  readonly others: readonly string[];
}

/** What is tested with the runtime's HTTP/2 as well. */
const WITH_BOTH_TRANSPORTS = [
  "tests/clients/go_client_test.ts",
  "tests/clients/grpc_client_test.ts",
  "tests/grpc/cancel_test.ts",
  "tests/grpc/fuzz_test.ts",
  "tests/grpc/golden_test.ts",
  "tests/grpc/load_test.ts",
  "tests/grpc/python_client_test.ts",
  "tests/unit/grpc_connections_test.ts",
  "tests/unit/grpc_frontend_test.ts",
];

/** What is tested with threads as well. */
const WITH_THREADS = [
  "tests/grpc/cancel_test.ts",
  "tests/grpc/fuzz_test.ts",
  "tests/grpc/golden_test.ts",
  "tests/http/abort_test.ts",
  "tests/http/fuzz_test.ts",
  "tests/http/golden_test.ts",
  "tests/http/slow_reader_test.ts",
  "tests/server/crash_test.ts",
  "tests/server/load_test.ts",
  "tests/server/shared_memory_test.ts",
];

/** The examples in doc comments, which Deno can run. */
const DOC_EXAMPLES = "tests/doc examples";

const deno: Runtime = {
  name: "deno",
  command: (file, report) => [
    ...runtimeCommand("deno"),
    ...["test", "-A", "--quiet", `--junit-path=${report}`],
    ...(file === DOC_EXAMPLES ? ["--doc", "mod.ts", "src"] : ["--no-check", file]),
  ],
  others: [DOC_EXAMPLES],
};

const bun: Runtime = {
  name: "bun",
  command: (file, report) => [
    ...runtimeCommand("bun"),
    ...[
      "test",
      "--timeout=120000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      `./${file}`,
    ],
  ],
  others: [],
};

function testFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "golden" ? [] : testFiles(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  }).sort();
}

async function runFile(
  runtime: Runtime,
  file: string,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const values = Object.values(env).map((value) => ` (${value})`).join("");
  const report = join(scratch, `${runtime.name}-${(file + values).replaceAll(/[/ ]/g, "-")}.xml`);
  const started = Date.now();
  const { code, output } = await runCommand(runtime.command(file, report), {
    log: report.replace(/xml$/, "log"),
    limitMs: FILE_LIMIT_MS,
    env,
  });
  const outcome = readReport(report);
  // A process that died or hung has tests that the report does not know of.
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const verdict = outcome.failed === 0 ? "ok  " : "FAIL";
  console.log(
    `${verdict} ${runtime.name.padEnd(4)} ${
      relative("tests", file)
    }${values}: ${outcome.passed} passed, ` +
      `${outcome.failed} failed${
        outcome.skipped ? `, ${outcome.skipped} skipped` : ""
      } (${seconds} s)`,
  );
  if (outcome.failed > 0) console.log(`${output}\nexit code ${code}`);
  if (outcome.skipped > 0) console.log(output.match(/^.*\bskip.*$/gim)?.join("\n") ?? "");
  return outcome;
}

function readReport(path: string): Outcome {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const report = readFileSync(path, "utf8");
  const cases = report.match(/<testcase\b/g)?.length ?? 0;
  const failed = report.match(/<(failure|error)\b/g)?.length ?? 0;
  const skipped = report.match(/<skipped\b/g)?.length ?? 0;
  return { passed: cases - failed - skipped, failed, skipped };
}

const wanted = process.argv.slice(2);
const parts = wanted.filter((argument) => !argument.startsWith("--"));
const runtimes = [deno, bun].filter((runtime) =>
  !wanted.some((argument) => argument.startsWith("--")) || wanted.includes(`--${runtime.name}`)
);
const isWanted = (file: string) => parts.length === 0 || parts.some((part) => file.includes(part));
const files = testFiles("tests");

echoBackends(await setUpTriton({ progress: console.error }));
const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
// The runtimes side by side: the machine has at least two cores, and a test is rarely busy on one.
await Promise.all(runtimes.map(async (runtime) => {
  const add = (outcome: Outcome) => {
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
  };
  for (const file of [...files, ...runtime.others].filter(isWanted)) {
    add(await runFile(runtime, file));
    if (WITH_BOTH_TRANSPORTS.includes(file)) {
      add(await runFile(runtime, file, { GRPC_TRANSPORT: "node" }));
    }
    if (WITH_THREADS.includes(file)) add(await runFile(runtime, file, { FRONTEND_THREADS: "2" }));
  }
}));
rmSync(scratch, { recursive: true, force: true });
if (total.skipped > 0) console.log(`${total.skipped} skipped, for the reasons above`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
