/**
 * Runs the test-suite on both runtimes: every test file in a process of its own on each, and at the end
 * one line `N passed, N failed` over all of them. Sets up Triton first, and fails when that fails.
 *
 *     deno run -A tests/support/run.ts [--deno|--bun] [PART-OF-A-PATH ...]
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { setUpTriton } from "../../src/setup/setup.ts";
import { echoBackends } from "./echo_backend.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
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
}

const deno: Runtime = {
  name: "deno",
  command: (file, report) => [
    ...program("deno", "deno@2"),
    ...["test", "-A", "--quiet", "--no-check", `--junit-path=${report}`, file],
  ],
};

const bun: Runtime = {
  name: "bun",
  command: (file, report) => [
    ...program("bun", "bun@1"),
    ...[
      "test",
      "--timeout=120000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      `./${file}`,
    ],
  ],
};

/** The runtime itself where it is installed, else through npx. */
function program(name: string, npmPackage: string): string[] {
  const found = spawnSync(name, ["--version"], { stdio: "ignore" });
  return found.status === 0 ? [name] : ["npx", "-y", npmPackage];
}

function testFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "golden" ? [] : testFiles(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  }).sort();
}

async function runFile(runtime: Runtime, file: string): Promise<Outcome> {
  const report = join(scratch, `${runtime.name}-${file.replaceAll("/", "-")}.xml`);
  const [command, ...args] = runtime.command(file, report);
  const started = Date.now();
  const { code, output } = await run(command, args, report.replace(/xml$/, "log"));
  const outcome = readReport(report);
  // A process that died or hung has tests that the report does not know of.
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const verdict = outcome.failed === 0 ? "ok  " : "FAIL";
  console.log(
    `${verdict} ${runtime.name.padEnd(4)} ${relative("tests", file)}: ${outcome.passed} passed, ` +
      `${outcome.failed} failed${
        outcome.skipped ? `, ${outcome.skipped} skipped` : ""
      } (${seconds} s)`,
  );
  if (outcome.failed > 0) console.log(`${output}\nexit code ${code}`);
  if (outcome.skipped > 0) console.log(output.match(/^.*\bskip.*$/gim)?.join("\n") ?? "");
  return outcome;
}

/** Output goes to a file: a pipe would stay open for as long as a process that a test left behind. */
function run(
  command: string,
  args: string[],
  log: string,
): Promise<{ code: number | null; output: string }> {
  const output = openSync(log, "w");
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", output, output] });
    const limit = setTimeout(() => process.kill(child.pid as number, "SIGKILL"), FILE_LIMIT_MS);
    const done = (code: number | null) => {
      clearTimeout(limit);
      closeSync(output);
      resolve({ code, output: readFileSync(log, "utf8") });
    };
    child.on("exit", done);
    child.on("error", () => done(127));
  });
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
const files = testFiles("tests").filter((file) =>
  parts.length === 0 || parts.some((part) => file.includes(part))
);

echoBackends(await setUpTriton({ progress: console.error }));
const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
// The runtimes side by side: the machine has at least two cores, and a test is rarely busy on one.
await Promise.all(runtimes.map(async (runtime) => {
  for (const file of files) {
    const outcome = await runFile(runtime, file);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
  }
}));
rmSync(scratch, { recursive: true, force: true });
if (total.skipped > 0) console.log(`${total.skipped} skipped, for the reasons above`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
