/**
 * Runs h2spec, all of it and strictly, against the HTTP/2 of this package on the runtime that runs this,
 * over sockets of its own and over TLS:
 *
 *     deno run -A tests/conformance/h2spec.ts
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { GrpcStream, StreamReceiver } from "../../src/grpc/transport.ts";
import { H2Transport } from "../../src/grpc/transport_h2.ts";
import { makeCertificates } from "../support/certificates.ts";
import { runCommand } from "../support/command.ts";
import { goTool } from "../support/go_tool.ts";
import { DEFAULTS } from "../support/h2_peer.ts";

/** How the cases of one part of the specification ended. */
export interface Group {
  readonly name: string;
  readonly passed: number;
  /** The titles of the cases that did not pass. */
  readonly failed: readonly string[];
}

const LIMIT_MS = 5 * 60 * 1000;

/** Answers any request with a short body, as soon as it is complete. */
function respond(stream: GrpcStream): StreamReceiver {
  return {
    data() {},
    end() {
      stream.respond({ ":status": "200", "content-type": "text/plain" }, false);
      stream.write(new TextEncoder().encode("hello"));
      stream.trailers({ "x-end": "1" });
    },
    aborted() {},
    drained() {},
  };
}

/** The results of the h2spec at `path`, in its order. */
export async function runH2spec(path: string, tls: boolean): Promise<Group[]> {
  const folder = mkdtempSync(join(tmpdir(), "triton-h2spec-"));
  const report = join(folder, "report.xml");
  const transport = new H2Transport(
    { ...DEFAULTS, tls: tls ? certificates(folder) : undefined },
    respond,
  );
  const port = await transport.listen();
  try {
    const options = ["--strict", "--port", String(port), "--junit-report", report];
    if (tls) options.push("--tls", "--insecure");
    const log = join(folder, "log");
    const { output } = await runCommand([path, ...options], { log, limitMs: LIMIT_MS });
    try {
      return groups(readFileSync(report, "utf8"));
    } catch (cause) {
      throw new Error(`h2spec made no report:\n${output}`, { cause });
    }
  } finally {
    transport.close();
    rmSync(folder, { recursive: true });
  }
}

function certificates(folder: string): { cert: string; key: string } {
  makeCertificates(folder, ["server"]);
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  return { cert: read("server.crt"), key: read("server.key") };
}

/** From JUnit's XML: a suite for each section, with its cases. */
function groups(xml: string): Group[] {
  const suites = xml.matchAll(/<testsuite name="([^"]*)"[^>]*>([^]*?)<\/testsuite>/g);
  return Array.from(suites, ([, name, content]) => {
    const cases = [...content.matchAll(/<testcase ([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g)];
    const failed = cases.filter(([, , inner = ""]) => /<(failure|error|skipped)/.test(inner));
    const title = (attributes: string) => /classname="([^"]*)"/.exec(attributes)?.[1] ?? "";
    return {
      name,
      passed: cases.length - failed.length,
      failed: failed.map(([, attributes]) => title(attributes)),
    };
  }).filter(({ passed, failed }) => passed + failed.length > 0);
}

async function main(): Promise<void> {
  const path = await goTool("h2spec");
  for (const tls of [false, true]) {
    console.log(tls ? "\nTLS" : "Plain");
    let [passed, failed] = [0, 0];
    for (const group of await runH2spec(path, tls)) {
      passed += group.passed;
      failed += group.failed.length;
      console.log(`  ${group.passed}/${group.passed + group.failed.length} ${group.name}`);
      for (const title of group.failed) console.log(`    failed: ${title}`);
    }
    console.log(`  ${passed} passed, ${failed} failed`);
    if (failed > 0 || passed === 0) process.exitCode = 1;
  }
  process.exit();
}

if (import.meta.main) await main();
