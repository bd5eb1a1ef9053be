/**
 * Which paths and methods are answered how, over the fake engine.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Hono } from "hono";
import { KServeHttp, type KServeHttpOptions } from "../../src/http/kserve_http.ts";
import { RestrictedFeatures } from "../../src/kserve/restricted.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { ECHO, FakeEngine } from "../support/fake_engine.ts";

async function send(
  method: string,
  path: string,
  { engine = new FakeEngine({ m: ECHO, "a%20b": ECHO, stats: ECHO }), headers, body, options }: {
    engine?: FakeEngine;
    headers?: Record<string, string>;
    body?: string;
    options?: KServeHttpOptions;
  } = {},
) {
  const { app } = new KServeHttp(engine, options);
  const response = await app.fetch(new Request(`http://h${path}`, { method, headers, body }));
  const type = response.headers.get("content-type");
  return { engine, status: response.status, type, text: await response.text() };
}

const JSON_TYPE = "application/json";
const NOT_FOUND = '{"error":"Not Found"}';

describe("paths", () => {
  const unknown = [
    "/",
    "/v2/",
    "/v2/health",
    "/v2/models",
    "/v2/models/",
    "/v2/models/m/",
    "/v2/models/m/versions/x",
    "/v2/models/m/versions/1/trace/setting",
    "/v2/models/m/versions/1/infer/x",
    "//v2",
    "/v2/%6Dodels/m",
    "/v2/repository",
    "/v2/repository/models/m/reload",
    "/v2/repository/a/b/index",
    "/metrics",
  ];
  for (const path of unknown) {
    test(`${path} is unknown`, async () => {
      const { status, type, text } = await send("GET", path);
      assert.deepEqual([status, type, text], [404, "text/plain", NOT_FOUND]);
    });
  }

  test("are not decoded", async () => {
    assert.match((await send("GET", "/v2/models/a%20b")).text, /"name":"a%20b"/);
  });

  test("have a query that is ignored", async () => {
    assert.equal((await send("GET", "/v2/models/m/ready?a=/b")).status, 200);
  });

  test("of a model called stats are those of all statistics", async () => {
    assert.match((await send("GET", "/v2/models/stats")).text, /model_stats/);
    assert.match((await send("GET", "/v2/models/stats/versions/1")).text, /"name":"stats"/);
  });

  test("with a version beyond 64 bits are refused", async () => {
    const { status, text } = await send("GET", "/v2/models/m/versions/9223372036854775808");
    assert.equal(status, 400);
    assert.match(text, /version string '9223372036854775808' \(details: stol\), version should be/);
  });

  test("work in an app that mounts them", async () => {
    const { app } = new KServeHttp(new FakeEngine({ m: ECHO }));
    const outer = new Hono().mount("/triton", app.fetch);
    const response = await outer.request("/triton/v2/models/m/versions/1/config");
    assert.equal(await response.text(), '{"name":"m"}');
    const index = await outer.request("/triton/v2/repository/index", { method: "POST" });
    assert.equal(index.status, 200);
  });
});

describe("methods", () => {
  const cases: [string, string, string][] = [
    ["DELETE", "/v2", JSON_TYPE],
    ["POST", "/v2/health/live", "text/plain"],
    ["POST", "/v2/models/m/ready", "text/plain"],
    ["OPTIONS", "/v2/models/m/infer", "text/plain"],
    ["GET", "/v2/models/m/generate", JSON_TYPE],
    ["PUT", "/v2/models/m/config", JSON_TYPE],
    ["GET", "/v2/repository/index", JSON_TYPE],
    ["POST", "/v2/systemsharedmemory/status", JSON_TYPE],
    ["GET", "/v2/cudasharedmemory/region/r/register", JSON_TYPE],
    ["DELETE", "/v2/trace/setting", JSON_TYPE],
    ["DELETE", "/v2/logging", JSON_TYPE],
    ["HEAD", "/v2", JSON_TYPE],
  ];
  for (const [method, path, expected] of cases) {
    test(`${method} ${path} is not allowed`, async () => {
      const { status, type, text } = await send(method, path);
      assert.deepEqual([status, type], [405, expected]);
      assert.equal(text, method === "HEAD" ? "" : '{"error":"Method Not Allowed"}');
    });
  }
});

describe("restricted features", () => {
  const restrictedFeatures = new RestrictedFeatures();
  restrictedFeatures.createFeatureGroup("Key", "v", ["health", "model-repository"]);
  const options = { restrictedFeatures };

  test("answer 403 before anything else", async () => {
    for (const [method, path] of [["GET", "/v2/health/live"], ["PUT", "/v2/models/x/ready"]]) {
      const { status, type, text } = await send(method, path, { options });
      assert.deepEqual(
        [status, type, text],
        [403, "text/plain", `{"error":"This API is restricted, expecting header 'Key'"}`],
      );
    }
    assert.equal((await send("POST", "/v2/repository/x/index", { options })).status, 403);
    assert.equal((await send("GET", "/v2/repository/x", { options })).status, 404);
  });

  test("open with their header", async () => {
    const { status } = await send("GET", "/v2/health/live", { options, headers: { key: "v" } });
    assert.equal(status, 200);
    const wrong = await send("GET", "/v2/health/live", { options, headers: { key: "V" } });
    assert.equal(wrong.status, 403);
  });
});

describe("the repository", () => {
  test("loads with a configuration and files", async () => {
    const { engine, status, type, text } = await send("POST", "/v2/repository/models/n/load", {
      body: '{"parameters":{"config":"{}","file:1/model.py":"aGk="}}',
    });
    assert.deepEqual([status, type, text], [200, JSON_TYPE, ""]);
    const [{ name, parameters }] = engine.loads;
    assert.equal(name, "n");
    assert.deepEqual([...parameters!.entries()], [
      ["config", "{}"],
      ["file:1/model.py", Uint8Array.of(0x68, 0x69)],
    ]);
  });

  test("unloads with dependents", async () => {
    const { engine } = await send("POST", "/v2/repository/models/n/unload", {
      body: '{"parameters":{"unload_dependents":true}}',
    });
    assert.deepEqual(engine.loads, [{ name: "n", unloadDependents: true }]);
  });
});

test("a server that has stopped is answered for with 503", async () => {
  const engine = new FakeEngine({ m: ECHO });
  engine.running = false;
  const paths = ["/v2", "/v2/health/live", "/v2/models/m/ready", "/v2/models/m", "/v2/logging"];
  for (const path of paths) {
    const { status, text } = await send("GET", path, { engine });
    assert.deepEqual([path, status, text], [path, 503, '{"error":"Server not ready"}']);
  }
  assert.equal((await send("POST", "/v2/models/m/infer", { engine, body: "{}" })).status, 503);
});

describe("Metrics", () => {
  const engine = new FakeEngine();
  const get = async (path: string, method = "GET") => {
    const response = await new Metrics(engine).app.fetch(
      new Request(`http://localhost${path}`, { method }),
    );
    const type = response.headers.get("content-type");
    return [response.status, type, await response.text()];
  };

  test("answers /metrics, and every other path with nothing", async () => {
    const type = "text/plain; charset=utf-8";
    assert.deepEqual(await get("/metrics"), [200, type, engine.metrics]);
    assert.deepEqual(await get("/metrics/?x"), [200, type, engine.metrics]);
    assert.deepEqual(await get("/"), [200, type, ""]);
    assert.equal((await get("/metrics", "POST"))[0], 405);
  });

  test("answers 503 when the server has stopped", async () => {
    engine.running = false;
    assert.deepEqual(await get("/metrics"), [503, "text/plain", '{"error":"Server not ready"}']);
  });
});
