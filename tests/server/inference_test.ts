/** In-process inference on the real library: every data type, parameters, errors, streams, cancellation. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type DataType, type Server, Tensor, TritonError } from "../../mod.ts";
import { assertNothingAlive, startGolden } from "../support/real_server.ts";

let server: Server;

before(async () => {
  server = await startGolden([
    ...["identity_bytes", "identity_fp32", "ident_any", "add_sub", "params", "fail", "repeat"],
    ...["slow", "bf16_pass", "accumulate"],
  ]);
});

test("a BYTES tensor comes back", async () => {
  const response = await server.model("identity_bytes").infer({
    inputs: { INPUT0: ["Roger Roger", ""] },
    id: "abc",
  });
  assert.deepEqual(response.output("OUTPUT0").strings(), ["Roger Roger", ""]);
  assert.equal(response.id, "abc");
  assert.equal(response.modelName, "identity_bytes");
  assert.equal(response.modelVersion, "1");
  assert.equal(response.final, true);
});

const VALUES: Record<DataType, readonly (number | bigint | boolean | string)[]> = {
  BOOL: [true, false],
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  UINT64: [0n, 18446744073709551615n],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
  INT64: [-9223372036854775808n, 9223372036854775807n],
  FP16: [-65504, 0.5],
  FP32: [Infinity, -0.1],
  FP64: [1e308, -0.1],
  BYTES: ["é", "\u{1f600}"],
  BF16: [1.5, -2],
};

for (const [datatype, values] of Object.entries(VALUES) as [DataType, readonly number[]][]) {
  test(`${datatype} goes in and comes out`, async () => {
    const input = Tensor.from(values, { datatype });
    const bfloat = datatype === "BF16";
    const response = await server.model(bfloat ? "bf16_pass" : "ident_any").infer({
      inputs: { [bfloat ? "X" : `IN_${datatype}`]: input },
    });
    const output = response.output(bfloat ? "X" : `OUT_${datatype}`);
    assert.equal(output.datatype, datatype);
    assert.deepEqual([...output.shape], [2]);
    assert.deepEqual(output.bytes, input.bytes);
    const expected = datatype === "FP32" ? values.map(Math.fround) : values;
    assert.deepEqual(output.toArray(), expected);
  });
}

test("an empty tensor and one of 8 MiB come back", async () => {
  const model = server.model("identity_fp32");
  const empty = await model.infer({ inputs: { INPUT0: new Float32Array(0) } });
  assert.deepEqual([...empty.output("OUTPUT0").shape], [0]);
  const large = Float32Array.from({ length: 1 << 21 }, (_, i) => i);
  const response = await model.infer({ inputs: { INPUT0: large } });
  assert.deepEqual(response.output("OUTPUT0").data, large);
});

test("only the outputs that are asked for come", async () => {
  const int32 = Tensor.from(new Int32Array([1, 2, 3, 4]), { shape: [1, 4] });
  const inputs = { INPUT0: int32, INPUT1: int32 };
  const all = await server.model("add_sub", 3).infer({ inputs });
  assert.deepEqual(Object.keys(all.outputs), ["OUTPUT0", "OUTPUT1"]);
  assert.equal(all.modelVersion, "3");
  const one = await server.model("add_sub", 1).infer({ inputs, outputs: ["OUTPUT1"] });
  assert.deepEqual(Object.keys(one.outputs), ["OUTPUT1"]);
  assert.throws(() => one.output("OUTPUT0"), /Cannot find output 'OUTPUT0'.*'OUTPUT1'/);
});

test("parameters, id and time-out reach the model", async () => {
  const response = await server.model("params").infer({
    inputs: { INPUT0: new Float32Array([1]) },
    id: "r1",
    timeout: 5_000_000,
    parameters: { text: "t", whole: 7, big: 2n ** 62n, half: 0.5, yes: true },
  });
  const seen = JSON.parse(response.output("PARAMS").strings()[0]);
  assert.equal(seen.id, "r1");
  assert.equal(seen.timeout, 5_000_000);
  assert.deepEqual(seen.params, {
    text: "t",
    whole: 7,
    big: Number(2n ** 62n),
    half: 0.5,
    yes: true,
  });
});

test("a sequence keeps its state", async () => {
  const step = async (value: number, flags: object) => {
    const response = await server.model("accumulate").infer({
      inputs: { INPUT: Tensor.from(new Int32Array([value]), { shape: [1, 1] }) },
      sequenceId: 42,
      ...flags,
    });
    return Object.values(response.outputs)[0].toArray();
  };
  assert.deepEqual(await step(1, { sequenceStart: true }), [1]);
  assert.deepEqual(await step(2, {}), [3]);
  assert.deepEqual(await step(3, { sequenceEnd: true }), [6]);
});

test("a decoupled model streams its responses in order", async () => {
  const seen: unknown[] = [];
  const inference = server.model("repeat").infer({ inputs: { IN: new Int32Array([3, 1, 2]) } });
  for await (const response of inference) seen.push(...response.output("OUT").toArray());
  assert.deepEqual(seen, [3, 1, 2]);
});

test("awaiting a decoupled model that sends several says so", async () => {
  await assert.rejects(
    async () => await server.model("repeat").infer({ inputs: { IN: new Int32Array([1, 2]) } }),
    /expected a single response, got 2: model 'repeat' is decoupled/,
  );
});

test("leaving the loop gives everything back", async () => {
  for await (
    const response of server.model("repeat").infer({ inputs: { IN: new Int32Array(500) } })
  ) {
    assert.equal(response.final, false);
    break;
  }
  await assertNothingAlive(server);
});

const CODES = ["INTERNAL", "NOT_FOUND", "INVALID_ARG", "UNAVAILABLE", "UNSUPPORTED"] as const;
for (const code of [...CODES, "ALREADY_EXISTS", "CANCELLED"] as const) {
  test(`a model's ${code} is thrown as such`, async () => {
    await assert.rejects(
      async () => await server.model("fail").infer({ inputs: { CODE: [code] } }),
      (error) => error instanceof TritonError && error.code === code,
    );
  });
}

test("what Triton refuses is thrown with its code and text", async () => {
  const cases: [string, object, string, RegExp][] = [
    ["nope", { X: ["a"] }, "NOT_FOUND", /Request for unknown model: 'nope' is not found/],
    ["identity_fp32", { X: new Float32Array(1) }, "INVALID_ARG", /unexpected inference input 'X'/],
    ["identity_fp32", { INPUT0: new Int32Array(1) }, "INVALID_ARG", /data-type is 'INT32'/],
    ["add_sub", { INPUT0: new Int32Array(4) }, "INVALID_ARG", /expected 2 inputs but got 1/],
  ];
  for (const [model, inputs, code, text] of cases) {
    await assert.rejects(
      async () => await server.model(model).infer({ inputs: inputs as never }),
      (error) => error instanceof TritonError && error.code === code && text.test(error.message),
    );
  }
});

test("a tensor that does not say its type is refused by name", async () => {
  await assert.rejects(
    async () => await server.model("identity_fp32").infer({ inputs: { INPUT0: [1, 2] } }),
    /Cannot use input 'INPUT0': Cannot tell the data type of plain numbers/,
  );
});

test("an aborted signal cancels the model and rejects at once", async () => {
  const abort = new AbortController();
  const inputs = { SECONDS: Tensor.from(new Float32Array([30]), { shape: [1, 1] }) };
  const started = Date.now();
  const inference = server.model("slow").infer({ inputs, signal: abort.signal });
  setTimeout(() => abort.abort(new Error("enough")), 100);
  await assert.rejects(async () => await inference, /enough/);
  await assertNothingAlive(server);
  assert.ok(Date.now() - started < 10_000, "the model ran on");
  await assert.rejects(
    async () => await server.model("slow").infer({ inputs, signal: abort.signal }),
    /enough/,
  );
});

test("models tell what they are", async () => {
  const model = server.model("add_sub");
  assert.equal(model.ready(), true);
  assert.deepEqual(model.metadata().inputs[0], {
    name: "INPUT0",
    datatype: "INT32",
    shape: [-1, 4],
  });
  assert.equal(model.config().max_batch_size, 8);
  assert.ok(Array.isArray(model.statistics().model_stats));
  assert.throws(
    () => server.model("nope").metadata(),
    (error) => error instanceof TritonError && error.code === "NOT_FOUND",
  );
  const ready = await server.models({ readyOnly: true });
  assert.ok(ready.some(({ name, state }) => name === "add_sub" && state === "READY"));
});

test("models load and unload, also from a configuration", async () => {
  const model = server.model("identity_int64");
  assert.equal(model.ready(), false);
  await model.load();
  assert.equal(model.ready(), true);
  await model.unload();
  await assert.rejects(async () => await server.model("broken").load(), /load failed for model/);
  await assert.rejects(async () => await server.model("nope").load(), /failed to load 'nope'/);
});

test("nothing is left alive, and the server stops", async () => {
  await assertNothingAlive(server);
  await server.stop();
});
