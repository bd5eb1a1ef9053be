/** The bridge and the symbol table against the real library, and the embedded builds against the source. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadBackend } from "../../ffi/backend.ts";
import { HEADERS, loadBridge, SOURCES } from "../../ffi/bridge/load.ts";
import * as aarch64 from "../../ffi/bridge/prebuilt/linux_aarch64.ts";
import * as x86_64 from "../../ffi/bridge/prebuilt/linux_x86_64.ts";
import { cString } from "../../ffi/native.ts";
import { tritonserver } from "../../ffi/symbols.ts";
import { type Server, Tensor, TritonError } from "../../mod.ts";
import { assertNothingAlive, startEcho } from "../support/real_server.ts";

let server: Server;

before(async () => {
  server = await startEcho();
});

for (const [name, built] of Object.entries({ x86_64, aarch64 })) {
  test(`the embedded bridge for ${name} is whole and comes from the C files`, () => {
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    const sources = [...SOURCES, ...HEADERS].map((name) => {
      return readFileSync(fileURLToPath(import.meta.resolve(`../../ffi/bridge/${name}`)));
    });
    assert.equal(built.source, sha256(Buffer.concat(sources)), "run ffi/bridge/build.ts");
    assert.equal(built.sha256, sha256(Uint8Array.fromBase64(built.base64)));
  });
}

test("the library has every function of the table", async () => {
  const bridge = await loadBridge(await loadBackend());
  const names = Object.keys(tritonserver);
  assert.equal(names.length, 172);
  assert.deepEqual(names.filter((name) => bridge.tts_has(cString(name)) === 0), []);
  assert.equal(bridge.tts_has(cString("TRITONSERVER_NoSuchFunction")), 0);
});

test("texts of any length and script cross the bridge whole", async () => {
  for (const id of ["a", "12345678", "\u{1f600}é", "x".repeat(40_000)]) {
    const response = await server.model("echo").infer({
      inputs: { INPUT0: new Float32Array([1]) },
      id,
      parameters: { [`p${id}`]: id },
    });
    assert.equal(response.id, id);
  }
});

test("tensors of every size around the limits of a record come back whole", async () => {
  for (const length of [0, 1, 2, 1023, 1024, 1025, 4096, 70_000, 1 << 20]) {
    const input = Float32Array.from({ length }, (_, i) => i);
    const response = await server.model("echo").infer({ inputs: { INPUT0: input } });
    assert.deepEqual(response.output("OUTPUT0").data, input);
  }
});

test("a view into the middle of a buffer sends that part", async () => {
  for (const length of [5, 5000]) {
    const whole = Float32Array.from({ length: length + 20 }, (_, i) => i);
    const part = whole.subarray(7, 7 + length);
    const response = await server.model("echo").infer({ inputs: { INPUT0: part } });
    assert.deepEqual(response.output("OUTPUT0").data, part);
  }
});

test("response parameters keep their kinds", async () => {
  const response = await server.model("echo").infer({
    inputs: { INPUT0: new Float32Array([1]) },
    parameters: { with_parameters: 1 },
  });
  assert.deepEqual(response.parameters, { text: "echo", index: 1n, last: true });
});

test("a request that Triton refuses leaves nothing behind", async () => {
  const refused = [
    { INPUT0: new Int32Array(1) },
    { NOPE: new Float32Array(1) },
    { INPUT0: new Float32Array(1), NOPE: new Float32Array(5000) },
    { INPUT0: Tensor.from(new Float32Array(4), { shape: [2, 2] }) },
  ];
  for (const inputs of refused) {
    await assert.rejects(
      async () => await server.model("echo").infer({ inputs: inputs as never }),
      (error) => error instanceof TritonError && error.code === "INVALID_ARG",
    );
  }
  await assertNothingAlive(server);
});

test("an output that was placed is written there, and one that does not fit is refused", async () => {
  const bridge = await loadBridge(await loadBackend());
  const place = new Uint8Array(8000);
  const infer = (byteSize: number) =>
    new Promise<{ error?: string; byteSize?: number; given?: number }>((resolve) => {
      const placement = { address: Number(bridge.tts_address(place)), byteSize };
      const input = new Uint8Array(Float32Array.from({ length: 2000 }, (_, i) => i).buffer);
      server.infer({
        modelName: "echo",
        modelVersion: -1,
        inputs: [{ name: "INPUT0", datatype: "FP32", shape: [2000], data: input }],
        outputs: [{ name: "OUTPUT0", placement }],
      }, (response) => {
        const [output] = response.outputs;
        resolve({
          error: response.error?.message,
          byteSize: output?.byteSize,
          given: output?.data.length,
        });
        response.release();
      });
    });
  assert.deepEqual(await infer(8000), { error: undefined, byteSize: 8000, given: 0 });
  assert.equal(new Float32Array(place.buffer)[1999], 1999);
  const { error } = await infer(7999);
  assert.match(error ?? "", /output 'OUTPUT0' \(7999 bytes\) should be at least 8000 bytes/);
});

test("cancel after the end does nothing", async () => {
  const call = await new Promise<{ cancel(): void }>((resolve) => {
    const data = new Uint8Array(4);
    const made = server.infer({
      modelName: "echo",
      modelVersion: -1,
      inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1], data }],
    }, (response) => {
      response.release();
      resolve(made);
    });
  });
  call.cancel();
  call.cancel();
  await assertNothingAlive(server);
});

test("nothing is left alive, and the server stops", async () => {
  await assertNothingAlive(server);
  await server.stop();
});
