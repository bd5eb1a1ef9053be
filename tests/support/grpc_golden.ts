/**
 * The recorded calls of `tests/golden/grpc.jsonl`, and the comparison of replies with them.
 *
 * @module
 */
import { createRegistry, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { file_grpc_service } from "../../proto/gen/grpc_service_pb.ts";
import { file_health } from "../../proto/gen/health_pb.ts";
import { file_model_config } from "../../proto/gen/model_config_pb.ts";
import { withOwnObjectsBase64 } from "./golden_objects.ts";
import type { RawReply } from "./grpc_raw.ts";

interface GoldenMessage {
  readonly b64: string;
  readonly type: string;
}

/** One line of the file. */
export interface GoldenCall {
  readonly id: string;
  readonly server: "main" | "none" | "restricted";
  readonly kind: "unary" | "stream";
  readonly rpc: string;
  readonly metadata: readonly (readonly [string, string])[];
  readonly request: readonly GoldenMessage[];
  readonly response: readonly GoldenMessage[];
  readonly status: { readonly code: number; readonly message: string };
}

/** What a call answers here instead of what the recorded server answered. */
export interface Expected {
  readonly code: number;
  readonly message: string;
}

const registry = createRegistry(file_grpc_service, file_model_config, file_health);

/** All calls, in the order in which they were recorded, with shared memory of the process's own. */
export function goldenCalls(): GoldenCall[] {
  const file = fileURLToPath(new URL("../golden/grpc.jsonl", import.meta.url).href);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.slice(1).map((line) =>
    JSON.parse(line, (key, value) => key === "b64" ? withOwnObjectsBase64(value) : value)
  );
}

/** The bytes of the call's messages. */
export function requestBytes(call: GoldenCall): Uint8Array[] {
  return call.request.map(({ b64 }) => Uint8Array.fromBase64(b64));
}

/** Fails unless `reply` is what was recorded, or `deviation`. */
export function assertGolden(call: GoldenCall, reply: RawReply, deviation?: Expected): void {
  const { code, message } = deviation ?? call.status;
  const expectedMessage = call.id === "err-batch-mismatch" ? "" : message;
  const actualMessage = call.id === "err-batch-mismatch" ? "" : reply.message;
  assert.deepEqual({ code: reply.code, message: actualMessage }, {
    code,
    message: expectedMessage,
  });
  if (deviation !== undefined) return;
  const type = call.response[0]?.type ?? "";
  const expected = call.response.map(({ b64 }) => asJson(type, Uint8Array.fromBase64(b64)));
  const actual = reply.messages.map((bytes) => asJson(type, bytes));
  assert.deepEqual(comparable(call, actual), comparable(call, expected));
}

function asJson(type: string, bytes: Uint8Array): JsonValue {
  const schema = registry.getMessage(type);
  assert.ok(schema, `no message was recorded, ${bytes.length} bytes came`);
  return toJson(schema, fromBinary(schema, bytes), { alwaysEmitImplicit: true });
}

/** Without what differs from run to run: times, and the order among independent requests. */
function comparable(call: GoldenCall, messages: JsonValue[]): unknown {
  if (call.id === "stats-after") return messages.map(withoutTimes);
  if (call.id === "stream-decoupled-interleave") {
    return Map.groupBy(
      messages as unknown as Interleaved[],
      ({ inferResponse }) => inferResponse.id,
    );
  }
  return messages;
}

interface Interleaved {
  readonly inferResponse: { readonly id: string };
}

function withoutTimes(message: JsonValue): unknown {
  return JSON.parse(
    JSON.stringify(message),
    (key, value) => key === "ns" || key === "lastInference" ? undefined : value,
  );
}
