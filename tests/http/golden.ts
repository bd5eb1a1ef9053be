/**
 * The golden cases: requests, and what Triton's own server answered. Replays them against a server and
 * says where its answers differ.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unzipSync } from "node:zlib";
import { withOwnObjects, withOwnObjectsBase64 } from "../support/golden_objects.ts";
import { makeSharedMemory, readSharedMemory } from "../support/shared_memory.ts";
import { DEVIATIONS } from "./golden_deviations.ts";
import { rawRequest, type RawResponse } from "./raw_http.ts";

/** A line of the golden file. Further fields are described in docs of the file's maker. */
export interface GoldenCase {
  readonly seq: number;
  readonly name: string;
  readonly server: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body_b64: string | null;
  readonly status: number;
  readonly response_headers: readonly (readonly [string, string])[];
  readonly response_body_b64: string | null;
  /** Set when something in the answer changes from run to run. */
  readonly vary?: readonly string[];
  /** Seconds to wait before the request. */
  readonly wait_before_s?: number;
  /** Shared-memory objects to make before the request, by key, in base64. */
  readonly setup_shm?: Readonly<Record<string, string>>;
  /** What shared-memory objects hold after the answer, by key, in base64. */
  readonly shm_after?: Readonly<Record<string, string>>;
}

/** What is compared of an answer. */
interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly headerLength: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Decompressed, one character a byte. */
  readonly body: string;
}

/** The differences of one case; none when it passed. */
export interface GoldenResult {
  readonly name: string;
  readonly differences: readonly string[];
}

/** The cases of `server`, in the order in which they must be sent, with shared memory of the process's own. */
export function goldenCases(server: string): GoldenCase[] {
  const file = fileURLToPath(new URL("../golden/http.jsonl", import.meta.url).href);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const cases = lines.map((line) => withOwnMemory(JSON.parse(withOwnObjects(line)) as GoldenCase));
  return cases.filter((one) => one.server === server).sort((a, b) => a.seq - b.seq);
}

function withOwnMemory(golden: GoldenCase): GoldenCase {
  const { body_b64, response_body_b64 } = golden;
  return {
    ...golden,
    body_b64: body_b64 && withOwnObjectsBase64(body_b64),
    response_body_b64: response_body_b64 && withOwnObjectsBase64(response_body_b64),
  };
}

/** Sends the request of `golden` and compares the answer. */
export async function replay(golden: GoldenCase, port: number): Promise<GoldenResult> {
  if (golden.wait_before_s !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, golden.wait_before_s! * 1000));
  }
  for (const [key, content] of Object.entries(golden.setup_shm ?? {})) {
    makeSharedMemory(key, Uint8Array.fromBase64(content));
  }
  let answer: Answer;
  try {
    const { method, path, headers, body_b64 } = golden;
    const body = body_b64 === null ? null : Uint8Array.fromBase64(body_b64);
    answer = answerOf(await rawRequest(port, { method, path, headers, body }));
  } catch (reason) {
    return { name: golden.name, differences: [String(reason)] };
  }
  const expected = expectedAnswer(golden);
  const differences: string[] = [];
  for (const key of ["status", "contentType", "headerLength", "contentEncoding"] as const) {
    if (answer[key] !== expected[key]) {
      differences.push(`${key}: ${answer[key]} instead of ${expected[key]}`);
    }
  }
  if (!sameBody(golden, answer.body, expected.body)) {
    differences.push(
      `body: ${answer.body.slice(0, 400)}\n  instead of ${expected.body.slice(0, 400)}`,
    );
  }
  for (const [key, content] of Object.entries(golden.shm_after ?? {})) {
    const actual = readSharedMemory(key).toBase64();
    if (actual !== content) differences.push(`${key} holds ${actual} instead of ${content}`);
  }
  return { name: golden.name, differences };
}

function answerOf({ status, headers, body }: RawResponse): Answer {
  const contentEncoding = headers.get("content-encoding");
  const plain = contentEncoding === undefined ? body : unzipSync(body);
  return {
    status,
    contentType: headers.get("content-type"),
    headerLength: headers.get("inference-header-content-length"),
    contentEncoding,
    body: new TextDecoder("latin1").decode(plain),
  };
}

function expectedAnswer(golden: GoldenCase): Answer {
  const headers = new Map(
    golden.response_headers.map(([name, value]) => [name.toLowerCase(), value]),
  );
  const body = Uint8Array.fromBase64(golden.response_body_b64 ?? "");
  const recorded = answerOf({ status: golden.status, headers, body });
  return { ...recorded, ...DEVIATIONS[golden.name]?.answer };
}

function sameBody(golden: GoldenCase, actual: string, expected: string): boolean {
  if (actual === expected) return true;
  const deviation = DEVIATIONS[golden.name];
  if (deviation?.ignoreCase) return actual.toLowerCase() === expected.toLowerCase();
  if (golden.server === "metrics") return actual.startsWith("# HELP");
  if (golden.name === "model-stats-after-use") {
    // The counts, and which batch sizes there are, depend on the cases before.
    const form = (text: string) =>
      text.replace(/"batch_stats":\[.*?\],"memory/, "").replace(/[0-9]+/g, "0");
    return form(actual) === form(expected);
  }
  if (golden.name === "repo-load-broken") {
    return actual.replace(/[^ ]*\/broken\//, "MODELS/broken/") === expected;
  }
  const tolerance = golden.vary === undefined ? 0 : Number.EPSILON;
  return sameText(actual, expected, (left, right) => {
    // Only doubles are compared by value: their digits are rapidjson's choice.
    const isDouble = /[.e]/.test(left) && /[.e]/.test(right);
    const distance = Math.abs(Number(left) - Number(right));
    return isDouble && distance <= tolerance * Math.abs(Number(right));
  });
}

/** Whether the texts are the same but for numbers, which `sameNumber` compares. */
function sameText(
  actual: string,
  expected: string,
  sameNumber: (left: string, right: string) => boolean,
): boolean {
  const number = /(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/;
  const left = actual.split(number);
  const right = expected.split(number);
  return left.length === right.length &&
    left.every((part, index) =>
      part === right[index] || (index % 2 === 1 && sameNumber(part, right[index]))
    );
}
