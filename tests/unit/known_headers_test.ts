/** JSON parts of binary inferences that come again: each request gets what it would get alone. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { KServeHttp } from "../../src/http/kserve_http.ts";
import { type KnownHeader, KnownHeaders } from "../../src/kserve/known_headers.ts";
import { OutputPlan } from "../../src/kserve/output_plan.ts";
import { ECHO, FakeEngine } from "../support/fake_engine.ts";

const encoder = new TextEncoder();

/** A front end for two models, which is sent requests with the JSON part `json` and `data` behind it. */
function frontEnd() {
  const engine = new FakeEngine({ m: ECHO, n: ECHO });
  const { app } = new KServeHttp(engine, { headerForwardPattern: "x-.*" });
  const send = async (
    json: string,
    data: readonly number[],
    { model = "m", headers = {} }: { model?: string; headers?: Record<string, string> } = {},
  ) => {
    const whole = Uint8Array.from([...encoder.encode(json), ...data]);
    const isZipped = headers["content-encoding"] === "gzip";
    const response = await app.fetch(
      new Request(`http://localhost/v2/models/${model}/infer`, {
        method: "POST",
        headers: { "inference-header-content-length": `${json.length}`, ...headers },
        body: isZipped ? gzipSync(whole) as Uint8Array<ArrayBuffer> : whole,
      }),
    );
    return { status: response.status, text: await response.text() };
  };
  return { engine, send };
}

function header(size: number, rest = ""): string {
  return '{"inputs":[{"name":"x","datatype":"UINT8","shape":[' + size + '],"parameters":' +
    `{"binary_data_size":${size}}}]${rest}}`;
}

describe("the same JSON part again", () => {
  test("with other data, for other models and with other headers", async () => {
    const { engine, send } = frontEnd();
    const json = header(2, ',"id":"i","parameters":{"p":7,"priority":3}');
    for (let count = 0; count < 5; count++) {
      const model = count % 2 === 0 ? "m" : "n";
      const { status } = await send(json, [count, 9], { model, headers: { "x-a": `${count}` } });
      assert.equal(status, 200);
      const { inputs, ...request } = engine.requests[count];
      assert.equal(request.modelName, model);
      assert.equal(request.id, "i");
      assert.equal(request.priority, 3);
      assert.deepEqual(request.parameters, [["p", 7n], ["x-a", `${count}`]]);
      assert.equal(inputs.length, 1);
      const [{ data, ...input }] = inputs;
      assert.deepEqual(input, { name: "x", datatype: "UINT8", shape: [2] });
      assert.deepEqual([...data as Uint8Array], [count, 9]);
    }
  });

  test("with too little data, and with too much", async () => {
    const { send } = frontEnd();
    const json = header(3);
    for (let count = 0; count < 3; count++) assert.equal((await send(json, [1, 2, 3])).status, 200);
    assert.match((await send(json, [1, 2])).text, /expecting 1 additional bytes/);
    assert.match((await send(json, [1, 2, 3, 4])).text, /unexpected additional input data/);
    assert.equal((await send(json, [1, 2, 3])).status, 200);
  });

  test("compressed and not", async () => {
    const { engine, send } = frontEnd();
    for (const encoding of ["identity", "gzip", "identity", "gzip", "identity"]) {
      await send(header(1), [encoding.length], { headers: { "content-encoding": encoding } });
      assert.deepEqual([...engine.requests.at(-1)!.inputs[0].data as Uint8Array], [
        encoding.length,
      ]);
    }
  });

  test("of another length, or one letter apart", async () => {
    const { engine, send } = frontEnd();
    for (const name of ["a", "b", "ab", "a", "b", "ab", "a", "b", "ab"]) {
      await send(header(1).replace('"x"', `"${name}"`), [1]);
      assert.equal(engine.requests.at(-1)!.inputs[0].name, name);
    }
  });
});

describe("KnownHeaders", () => {
  const known: KnownHeader = {
    request: {},
    inputs: [],
    binarySize: 0,
    plan: new OutputPlan(new Map(), true),
  };

  test("knows what came twice, whatever becomes of its memory", () => {
    const headers = new KnownHeaders();
    // A Buffer, whose slice() would be a view.
    const body = Buffer.from('{"a":1}data');
    assert.equal(headers.find(body, 7), undefined);
    headers.learn(body, 7, () => known);
    assert.equal(headers.find(body, 7), undefined);
    headers.learn(body, 7, () => known);
    body.fill(0);
    assert.equal(headers.find(Buffer.from('{"a":1}other'), 7), known);
    assert.equal(headers.find(Buffer.from('{"a":2}other'), 7), undefined);
    assert.equal(headers.find(Buffer.from('{"a":1}'), 6), undefined);
  });

  test("does not keep long ones", () => {
    const headers = new KnownHeaders();
    const body = new Uint8Array(4096).fill(32);
    for (let count = 0; count < 3; count++) headers.learn(body, body.length, () => known);
    assert.equal(headers.find(body, body.length), undefined);
  });
});
