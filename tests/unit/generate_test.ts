/**
 * `/generate` and `/generate_stream` over the fake engine.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TritonError } from "../../src/errors.ts";
import { KServeHttp } from "../../src/http/kserve_http.ts";
import { FakeEngine, type FakeModel, type FakeResponse } from "../support/fake_engine.ts";

const INPUTS = [
  { name: "text", datatype: "BYTES", shape: [-1] },
  { name: "n", datatype: "INT32", shape: [1] },
  { name: "word", datatype: "BYTES", shape: [1] },
  { name: "grid", datatype: "FP32", shape: [-1, 2, -1] },
];

function text(content: string): FakeResponse {
  const bytes = new TextEncoder().encode(content);
  const data = Uint8Array.of(bytes.length, 0, 0, 0, ...bytes);
  return { outputs: [{ name: "out", datatype: "BYTES", shape: [1], data }] };
}

/** A model that answers with the given responses. */
function model(...responses: FakeResponse[]): FakeModel {
  return { inputs: INPUTS, isDecoupled: true, run: () => responses };
}

async function send(body: string, one: FakeModel, action = "generate") {
  const engine = new FakeEngine({ m: one });
  const { app } = new KServeHttp(engine);
  const response = await app.fetch(
    new Request(`http://localhost/v2/models/m/${action}`, { method: "POST", body }),
  );
  const sent = { engine, response, text: await response.text() };
  assert.equal(engine.unreleased, 0);
  return sent;
}

describe("generate maps", () => {
  test("members to inputs and parameters", async () => {
    const { engine } = await send(
      '{"text":"a","id":"7","parameters":{"n":3,"temperature":0.5},"grid":[1,2,3,4],"stop":true}',
      model(text("x")),
    );
    const [{ inputs, parameters, id }] = engine.requests;
    assert.equal(id, "7");
    assert.deepEqual(inputs.map(({ name, shape }) => [name, shape]), [
      ["text", [1]],
      ["n", [1]],
      ["grid", [1, 2, 2]],
    ]);
    assert.deepEqual(parameters, [["id", "7"], ["temperature", 0.5], ["stop", true]]);
  });

  test("an empty list to an empty tensor", async () => {
    const { engine } = await send('{"text":[]}', model(text("x")));
    assert.deepEqual(engine.requests[0].inputs[0].shape, [0]);
  });

  const refused: [string, number, string][] = [
    ["[]", 500, "attempt to get members for non-object"],
    ['{"n":[1,2]}', 400, "The schema can not convert input 'n' to tensor with proper shape"],
    [
      '{"word":["a",1]}',
      500,
      "Unable to parse JSON bytes array: attempt to access JSON non-string as string",
    ],
    ['{"grid":[1]}', 400, "The schema can not convert input 'grid' to tensor with proper shape"],
    [
      '{"text":[["a","b"]],"grid":[[1,2],[3]]}',
      500,
      "Unable to parse 'data': Shape does not match true shape of 'data' field",
    ],
    [
      '{"parameters":{"n":"x"}}',
      500,
      "Converting keyword: 'parameters': Unable to parse 'data': attempt to access JSON " +
      "non-signed-integer as signed-integer",
    ],
    [
      '{"parameters":1}',
      500,
      "Expected JSON object for keyword: 'parameters': attempt to access JSON non-object as object",
    ],
    [
      '{"p":null}',
      400,
      "parameter 'p' has invalid type. It should be either 'int', 'bool', or 'string'.",
    ],
  ];
  for (const [body, status, message] of refused) {
    test(`${body} to an error`, async () => {
      const { response, text } = await send(body, model());
      assert.equal(text, JSON.stringify({ error: message }));
      assert.equal(response.status, status);
      assert.equal(response.headers.get("content-type"), "application/json");
    });
  }
});

describe("generate answers", () => {
  test("one object with sorted members", async () => {
    const data = new Uint8Array(new Float32Array([1, 2]).buffer);
    const { text } = await send(
      '{"id":"i"}',
      model({
        parameters: [["z", 1n], ["id", "not this"]],
        outputs: [
          { name: "b", datatype: "FP32", shape: [2], data },
          { name: "Z", datatype: "FP32", shape: [1, 1], data: data.subarray(0, 4) },
          { name: "z", datatype: "FP32", shape: [2], data },
        ],
      }),
    );
    assert.equal(
      text,
      '{"Z":1.0,"b":[1.0,2.0],"id":"i","model_name":"m","model_version":"1","z":1}',
    );
  });

  test("an error for more or fewer responses than one", async () => {
    for (const responses of [[], [text("a"), text("b")]]) {
      const { response, text: body } = await send("{}", model(...responses));
      assert.equal(response.status, 500);
      assert.match(body, /generate expects model to produce exactly 1 response/);
    }
  });

  test("the model's error with its status", async () => {
    const { response } = await send("{}", model({ error: new TritonError("NOT_FOUND", "no") }));
    assert.equal(response.status, 404);
  });
});

describe("generate_stream answers", () => {
  test("an event for each response", async () => {
    const { response, text: body } = await send(
      "{}",
      model(text("a\nb"), text("c"), { error: new TritonError("INTERNAL", "end") }),
      "generate_stream",
    );
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    assert.equal(
      body,
      'data: {"model_name":"m","model_version":"1","out":"a\\nb"}\n\n' +
        'data: {"model_name":"m","model_version":"1","out":"c"}\n\ndata: {"error":"end"}\n\n',
    );
  });

  test("400 when the first response is an error", async () => {
    const failing = model({ error: new TritonError("INTERNAL", "no") });
    const { response, text } = await send("{}", failing, "generate_stream");
    assert.equal(response.status, 400);
    assert.equal(text, 'data: {"error":"no"}\n\n');
  });

  test("nothing for no response", async () => {
    const { response, text } = await send("{}", model(), "generate_stream");
    assert.equal(response.status, 200);
    assert.equal(text, "");
  });
});

describe("generate reports the load", () => {
  const metrics = ["tokens_per 64", "used 3", "max 4"].map((sample) => {
    const [type, value] = sample.split(" ");
    return `nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="${type}",model="m"} ${value}\n`;
  }).join("");
  const ask = async (format: string, text: string) => {
    const engine = new FakeEngine({ m: model(textResponse) });
    engine.metrics = text;
    const { app } = new KServeHttp(engine);
    const headers = { "endpoint-load-metrics-format": format };
    const response = await app.fetch(
      new Request("http://localhost/v2/models/m/generate", {
        method: "POST",
        headers,
        body: "{}",
      }),
    );
    return response.headers.get("endpoint-load-metrics");
  };
  const textResponse = text("x");

  test("in the format that was asked for", async () => {
    assert.equal(
      await ask("json", metrics),
      'JSON {"named_metrics":{"kv_cache_utilization":0.75,"max_token_capacity":256}}',
    );
    assert.equal(
      await ask("text", metrics),
      "TEXT named_metrics.kv_cache_utilization=0.750000, named_metrics.max_token_capacity=256",
    );
  });

  test("not without metrics or in other formats", async () => {
    assert.equal(await ask("json", "# nothing\n"), null);
    assert.equal(await ask("xml", metrics), null);
  });
});
