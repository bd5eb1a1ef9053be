/**
 * `/infer` over the fake engine: what is read from requests, and how responses are written.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync, unzipSync } from "node:zlib";
import { TritonError } from "../../src/errors.ts";
import { KServeHttp, type KServeHttpOptions } from "../../src/http/kserve_http.ts";
import { ECHO, FakeEngine, type FakeModel } from "../support/fake_engine.ts";

const encoder = new TextEncoder();

function concat(...parts: (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    parts.flatMap((part) => [...(typeof part === "string" ? encoder.encode(part) : part)]),
  );
}

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly text: string;
  readonly engine: FakeEngine;
}

/** Sends an inference to a model, by default one that echoes. */
async function send(
  body: string | Uint8Array<ArrayBuffer>,
  { headers = {}, model = ECHO, options = {} }: {
    headers?: Record<string, string>;
    model?: FakeModel;
    options?: KServeHttpOptions;
  } = {},
): Promise<Sent> {
  const engine = new FakeEngine({ m: model });
  const { app } = new KServeHttp(engine, options);
  const response = await app.fetch(
    new Request("http://localhost/v2/models/m/infer", { method: "POST", headers, body }),
  );
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.equal(engine.unreleased, 0);
  const text = new TextDecoder().decode(bytes);
  return { status: response.status, headers: response.headers, body: bytes, text, engine };
}

const INPUT = '{"name":"x","datatype":"INT32","shape":[2],"data":[1,2]}';

async function sendError(
  body: string | Uint8Array<ArrayBuffer>,
  status: number,
  message: string,
  rest: Parameters<typeof send>[1] = {},
): Promise<Sent> {
  const sent = await send(body, rest);
  assert.equal(sent.text, `{"error":${JSON.stringify(message)}}`);
  assert.equal(sent.status, status);
  return sent;
}

describe("infer reads", () => {
  test("id, parameters and sequence options", async () => {
    const { engine } = await send(
      '{"id":"a\\u0000b","parameters":{"sequence_id":18446744073709551615,"sequence_start":true,' +
        '"sequence_end":true,"priority":3,"timeout":1000,"s":"t","i":-7,"b":false,"d":1.0,' +
        '"u":18446744073709551615,"s":"again"},"inputs":[' + INPUT + "]}",
    );
    const [request] = engine.requests;
    assert.equal(request.id, "a");
    assert.equal(request.correlationId, 18446744073709551615n);
    assert.equal(request.flags, 3);
    assert.equal(request.priority, 3);
    assert.equal(request.timeoutMicroseconds, 1000);
    assert.deepEqual(request.parameters, [
      ["s", "t"],
      ["i", -7n],
      ["b", false],
      ["d", 1],
      ["u", 2 ** 64],
      ["s", "t"],
    ]);
  });

  test("binary data in the order of the inputs", async () => {
    const json = '{"inputs":[{"name":"a","datatype":"INT8","shape":[2],"parameters":' +
      '{"binary_data_size":2}},' + INPUT + ',{"name":"b","datatype":"INT8","shape":[1],' +
      '"parameters":{"binary_data_size":1}}],"parameters":{"binary_data_output":true}}';
    const headers = { "inference-header-content-length": String(json.length) };
    const { engine, body, ...sent } = await send(concat(json, Uint8Array.of(7, 8, 9)), { headers });
    assert.deepEqual(engine.requests[0].inputs.map(({ data }) => [...data as Uint8Array]), [
      [7, 8],
      [1, 0, 0, 0, 2, 0, 0, 0],
      [9],
    ]);
    const length = Number(sent.headers.get("inference-header-content-length"));
    assert.equal(sent.headers.get("content-type"), "application/octet-stream");
    assert.deepEqual([...body.subarray(length)], [7, 8, 1, 0, 0, 0, 2, 0, 0, 0, 9]);
  });

  test("a raw request", async () => {
    const headers = { "inference-header-content-length": "0" };
    const { engine } = await send(Uint8Array.of(1, 2, 3), { headers });
    assert.deepEqual([...engine.requests[0].rawInput!], [1, 2, 3]);
    assert.deepEqual(engine.requests[0].inputs, []);
  });

  test("forwarded headers behind the body's parameters", async () => {
    const { engine } = await send(`{"parameters":{"x-a":"body"},"inputs":[${INPUT}]}`, {
      headers: { "X-A": "head", "y": "no" },
      options: { headerForwardPattern: "(?i)X-" },
    });
    assert.deepEqual(engine.requests[0].parameters, [["x-a", "body"], ["x-a", "head"]]);
  });

  test("names and data types up to a NUL", async () => {
    const input = '{"name":"x\\u0000y","datatype":"INT32\\u0000","shape":[1],"data":[7]}';
    const output = '{"name":"x\\u0000z","parameters":{"binary_data":true}}';
    const { body, headers, engine } = await send(`{"inputs":[${input}],"outputs":[${output}]}`);
    const [{ name, datatype }] = engine.requests[0].inputs;
    assert.deepEqual([name, datatype], ["x", "INT32"]);
    const headerLength = Number(headers.get("inference-header-content-length"));
    assert.deepEqual([...body.subarray(headerLength)], [7, 0, 0, 0]);
  });

  test("compressed bodies", async () => {
    const body = gzipSync(`{"inputs":[${INPUT}]}`) as Uint8Array<ArrayBuffer>;
    const { text } = await send(body, { headers: { "content-encoding": "deflate" } });
    assert.match(text, /"data":\[1,2\]/);
  });
});

describe("infer refuses", () => {
  test("inputs without data, and with several kinds", async () => {
    const set = "Input must set only one of the following fields: 'data', 'binary_data_size' in " +
      "'parameters', 'shared_memory_region' in 'parameters'. But ";
    await sendError('{"inputs":[{"name":"x"}]}', 400, `${set}no field is set`);
    await sendError(
      '{"inputs":[{"data":[],"parameters":{"shared_memory_region":"r"}}]}',
      400,
      `${set}set 'data' 'shared_memory_region'`,
    );
  });

  test("members of the wrong type, in Triton's order", async () => {
    const unsigned = "attempt to access JSON non-unsigned-integer as unsigned-integer";
    const output = (json: string, status: number, message: string) =>
      sendError(`{"inputs":[${INPUT}],"outputs":[${json}]}`, status, message);
    await output(
      '{"parameters":{"shared_memory_region":"r","classification":1}}',
      400,
      "Output can't set both 'shared_memory_region' and 'classification'",
    );
    await output(
      '{"name":"x","parameters":{"binary_data":1,"classification":"a"}}',
      500,
      `Unable to set 'classification': ${unsigned}`,
    );
    const offset = `Unable to parse 'shared_memory_offset': ${unsigned}`;
    await output('{"name":"x","parameters":{"shared_memory_offset":"a"}}', 500, offset);
    const size = '"shared_memory_byte_size":"a"';
    await output(
      `{"name":"x","parameters":{"shared_memory_region":"r","shared_memory_offset":-1,${size}}}`,
      500,
      offset,
    );
    const input = INPUT.replace("}", `,"parameters":{${size}}}`);
    await sendError(
      `{"inputs":[${input}]}`,
      500,
      `Unable to parse 'shared_memory_byte_size': ${unsigned}`,
    );
  });

  test("binary data that is too short or too long", async () => {
    const json = '{"inputs":[{"name":"a","datatype":"INT8","shape":[2],"parameters":' +
      '{"binary_data_size":2}}]}';
    const headers = { "inference-header-content-length": String(json.length) };
    const short = "unexpected size for input 'a', expecting 1 additional bytes for model 'm'";
    await sendError(concat(json, Uint8Array.of(1)), 400, short, { headers });
    const long = "unexpected additional input data for model 'm'";
    await sendError(concat(json, Uint8Array.of(1, 2, 3)), 400, long, { headers });
  });

  test("header lengths out of range", async () => {
    const name = "Inference-Header-Content-Length";
    const refuse = async (value: string, message: string) => {
      const headers = { [name]: value };
      const { headers: sent } = await sendError("{}", 400, message, { headers });
      assert.equal(sent.get("content-type"), "text/plain");
    };
    await refuse("3", "inference header size should be in range (0, 2), got: 3");
    await refuse("-1", "inference header size should be in range (0, 2), got: -1");
    await refuse("x", `Unable to parse ${name}, got: x`);
    await refuse(
      "9999999999",
      `Unable to parse ${name}, value is out of range [ -2147483648, 2147483647 ], got: 9999999999`,
    );
  });

  test("shapes that no tensor can have", async () => {
    const send = (shape: string, message: string, datatype = "INT8") =>
      sendError(
        `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${shape}],"data":[1]}]}`,
        400,
        message,
      );
    const max = "9223372036854775807";
    await send(
      "4294967296,4294967296",
      `invalid shape for input 'x': shape [4294967296,4294967296] causes total element count to ` +
        `exceed maximum size of ${max}`,
    );
    const invalid = "contains one or more invalid dimensions";
    await send("18446744073709551615", `invalid shape for input 'x': shape [-1] ${invalid}`);
    await send(
      "2,9223372036854775808,0",
      `invalid shape for input 'x': shape [2,-9223372036854775808,0] ${invalid}`,
    );
    await send(
      "4611686018427387904,2,0",
      "invalid shape for input 'x': shape [4611686018427387904,2,0] causes total element count to " +
        `exceed maximum size of ${max}`,
    );
    await send(
      max,
      `byte size overflow for input 'x': element count (${max}) * data type size (4) exceeds ` +
        `maximum allowed size (${max})`,
      "INT32",
    );
    await send(
      "67108865",
      "JSON input 'x' has a byte_size (67108865 bytes) that exceeds the maximum allowed value of " +
        "67108864 bytes. Use --http-max-input-size to increase the limit.",
    );
  });

  test("bodies beyond the limit", async () => {
    const options = { maxInputSize: 10 };
    const remedy = "Use --http-max-input-size to increase the limit.";
    await sendError(
      `{"inputs":[]}`,
      400,
      `request JSON size of 13 bytes exceeds the maximum allowed input size of 10 bytes. ${remedy}`,
      { options },
    );
    await sendError(
      new Uint8Array(11),
      400,
      `Raw input has a byte_size (11 bytes) that exceeds the maximum allowed value of 10 bytes. ` +
        remedy,
      { options, headers: { "inference-header-content-length": "0" } },
    );
    await sendError(
      gzipSync(new Uint8Array(100_000)) as Uint8Array<ArrayBuffer>,
      400,
      `Decompressed data size exceeds the maximum allowed value of 10 bytes. ${remedy}`,
      { options, headers: { "content-encoding": "gzip" } },
    );
  });

  test("reserved names of headers and parameters", async () => {
    const forwarded = { headers: { timeout: "1" }, options: { headerForwardPattern: "time" } };
    await sendError(
      `{"inputs":[${INPUT}]}`,
      400,
      "Header 'timeout' is reserved for Triton usage and cannot be forwarded.",
      forwarded,
    );
    await sendError(
      `{"inputs":1}`,
      500,
      "Unable to parse 'inputs': attempt to access JSON non-array as array",
      forwarded,
    );
    await sendError(
      '{"parameters":{"triton_x":1}}',
      400,
      "parameter keys starting with 'triton_' are reserved for Triton usage and should not be " +
        "specified.",
    );
  });

  test("corrupt compressed bodies", async () => {
    const headers = { "content-encoding": "gzip" };
    const { status, text } = await send("not compressed", { headers });
    assert.equal(status, 400);
    assert.match(text, /failed to decompress the request body: /);
  });

  test("other numbers of responses than one", async () => {
    const none: FakeModel = { *run() {} };
    await sendError(`{"inputs":[${INPUT}]}`, 500, "expected a single response, got 0", {
      model: none,
    });
    const two: FakeModel = {
      *run() {
        yield {};
        yield {};
      },
    };
    await sendError(`{"inputs":[${INPUT}]}`, 500, "expected a single response, got 2", {
      model: two,
    });
  });
});

describe("infer writes", () => {
  const output = (datatype: string, shape: number[], data: Uint8Array): FakeModel => ({
    *run() {
      yield { outputs: [{ name: "y", datatype, shape, data }] };
    },
  });

  test("id, parameters and flat data", async () => {
    const model: FakeModel = {
      *run() {
        const data = new Uint8Array(new Float32Array([1, 0.5, NaN, -Infinity]).buffer);
        yield {
          parameters: [["a", "b"], ["c", 1n], ["d", 1], ["e", true]],
          outputs: [{ name: "y", datatype: "FP32", shape: [2, 2], data }],
        };
      },
    };
    const { text } = await send(`{"id":"7","inputs":[${INPUT}]}`, { model });
    assert.equal(
      text,
      '{"id":"7","model_name":"m","model_version":"1","parameters":{"a":"b","c":1,"d":1.0,' +
        '"e":true},"outputs":[{"name":"y","datatype":"FP32","shape":[2,2],"data":[1.0,0.5,NaN,' +
        "-Infinity]}]}",
    );
  });

  test("64-bit integers in full", async () => {
    const data = new Uint8Array(new BigInt64Array([2n ** 63n - 1n, -(2n ** 63n), -5n]).buffer);
    const { text } = await send(`{"inputs":[]}`, { model: output("INT64", [3], data) });
    assert.match(text, /\[9223372036854775807,-9223372036854775808,-5\]/);
    const unsigned = new Uint8Array(new BigUint64Array([2n ** 64n - 1n, 5n]).buffer);
    const sent = await send(`{"inputs":[]}`, { model: output("UINT64", [2], unsigned) });
    assert.match(sent.text, /\[18446744073709551615,5\]/);
  });

  test("no output whose data does not fit its shape", async () => {
    const mismatch = "output tensor shape does not match size of output for 'y'";
    await sendError('{"inputs":[]}', 500, `Failed to write 'data' field: ${mismatch}`, {
      model: output("INT8", [3], new Uint8Array(2)),
    });
    await sendError('{"inputs":[]}', 500, mismatch, {
      model: output("BYTES", [1], Uint8Array.of(9, 0, 0, 0, 65)),
    });
  });

  test("errors of the model with their code's status", async () => {
    const model: FakeModel = {
      *run() {
        yield { error: new TritonError("UNAVAILABLE", 'busy "now"') };
      },
    };
    const { headers } = await sendError('{"inputs":[]}', 503, 'busy "now"', { model });
    assert.equal(headers.get("content-type"), "text/plain");
  });

  test("compressed, with the JSON's own length", async () => {
    const body = `{"inputs":[${INPUT}],"parameters":{"binary_data_output":true}}`;
    const sent = await send(body, { headers: { "accept-encoding": "deflate, gzip" } });
    assert.equal(sent.headers.get("content-encoding"), "deflate");
    const plain = unzipSync(sent.body);
    const length = Number(sent.headers.get("inference-header-content-length"));
    assert.deepEqual([...plain.subarray(length)], [1, 0, 0, 0, 2, 0, 0, 0]);
  });

  test("classes with labels", async () => {
    const model: FakeModel = {
      isBatched: true,
      *run() {
        const data = new Uint8Array(new Int32Array([3, 9, 9, 5, -1, 0]).buffer);
        const outputs = [{ name: "y", datatype: "INT32", shape: [2, 3], data }];
        yield { outputs, labels: ["zero", "one"] };
      },
    };
    const { text, engine } = await send(
      '{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":2}}]}',
      { model },
    );
    assert.match(
      text,
      /"datatype":"BYTES","shape":\[2,2\],"data":\["9:1:one","9:2","5:0:zero","0:2"\]/,
    );
    assert.equal(engine.requests[0].wantsLabels, true);
  });
});
