/** The same requests to NVIDIA's HTTP server and to ours: the answers are the same, byte for byte. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { assertNothingAlive } from "../support/real_server.ts";
import { LOG_CASES, REPOSITORY_CASES, SEQUENCE_CASES, TRACE_CASES } from "./admin_cases.ts";
import { compare } from "./compare.ts";
import { COMPRESSION_CASES } from "./compression_cases.ts";
import { GENERATE_CASES } from "./generate_cases.ts";
import { BINARY_CASES, CLASS_CASES, INFER_CASES } from "./infer_cases.ts";
import { JSON_CASES } from "./json_cases.ts";
import type { ParityCase } from "./parity_case.ts";
import { PATH_CASES, ROUTE_CASES } from "./route_cases.ts";
import { startOurs, startTheirs } from "./servers.ts";
import { TENSOR_CASES } from "./tensor_cases.ts";
import { WIRE_CASES } from "./wire_cases.ts";

let ours: Awaited<ReturnType<typeof startOurs>>;
let theirs: Awaited<ReturnType<typeof startTheirs>>;

before(async () => {
  [ours, theirs] = await Promise.all([startOurs(), startTheirs()]);
});

/** In this order: the last one unloads models. */
const GROUPS: Readonly<Record<string, readonly ParityCase[]>> = {
  "every route with every method": ROUTE_CASES,
  "paths that are almost routes": PATH_CASES,
  "ways to write a request": WIRE_CASES,
  "JSON documents": JSON_CASES,
  "tensor data as JSON": TENSOR_CASES,
  "members and parameters of inferences": INFER_CASES,
  "binary data": BINARY_CASES,
  "classification": CLASS_CASES,
  "compression": COMPRESSION_CASES,
  "generate and generate_stream": GENERATE_CASES,
  "sequences": SEQUENCE_CASES,
  "trace settings": TRACE_CASES,
  "log settings": LOG_CASES,
  "repository control": REPOSITORY_CASES,
};

for (const [name, cases] of Object.entries(GROUPS)) {
  test(`HTTP parity: ${name}, ${cases.length} requests`, async () => {
    const differences: string[] = [];
    for (const one of cases) differences.push(...await compare(one, ours, theirs));
    assert.deepEqual(differences, []);
  });
}

test("HTTP parity: nothing is left, and the servers stop", async () => {
  await assertNothingAlive(ours.server);
  await Promise.all([ours.stop(), theirs.stop()]);
});
