/**
 * Starting and stopping the HTTP front ends, and clients that go away, on real sockets over the fake
 * engine.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KServeHttp } from "../../src/http/kserve_http.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { ECHO, FakeEngine, type FakeModel } from "../support/fake_engine.ts";

const LOCAL = { address: "127.0.0.1", port: 0 };

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A model that answers after a time, sooner when it is cancelled. */
function slow(milliseconds: number): FakeModel {
  return {
    async *run(_, signal) {
      const end = Date.now() + milliseconds;
      while (Date.now() < end && !signal.aborted) await sleep(10);
      yield {};
    },
  };
}

/** A decoupled model that answers every 20 ms until it is cancelled. */
const ENDLESS: FakeModel = {
  isDecoupled: true,
  async *run(_, signal) {
    while (!signal.aborted) {
      yield {};
      await sleep(20);
    }
  },
};

const infer = (http: KServeHttp, init: RequestInit = {}) =>
  fetch(`http://${http.address}/v2/models/m/infer`, {
    method: "POST",
    body: '{"inputs":[]}',
    ...init,
  });

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(20);
  assert.ok(condition());
}

describe("KServeHttp", () => {
  test("listens on a port that the system chooses, and stops", async () => {
    const engine = new FakeEngine({ m: ECHO });
    const http = await KServeHttp.start(engine, LOCAL);
    assert.notEqual(http.port, 0);
    assert.equal(http.address, `127.0.0.1:${http.port}`);
    assert.equal(engine.frontends.has(http), true);
    assert.equal((await infer(http)).status, 200);
    await http.stop();
    assert.equal(engine.frontends.size, 0);
    await assert.rejects(infer(http));
  });

  test("starts again after a stop", async () => {
    await using http = await KServeHttp.start(new FakeEngine({ m: ECHO }), LOCAL);
    await http.stop();
    await http.start();
    assert.equal((await infer(http)).status, 200);
  });

  test("refuses to start twice, to stop twice, and without a server", async () => {
    const engine = new FakeEngine();
    const http = await KServeHttp.start(engine, LOCAL);
    await assert.rejects(http.start(), {
      code: "ALREADY_EXISTS",
      message: "HTTP server is already running.",
    });
    await Promise.all([http.stop(), http.stop()]);
    await assert.rejects(http.stop(), {
      code: "UNAVAILABLE",
      message: "HTTP server is not running.",
    });
    await http[Symbol.asyncDispose]();
    engine.running = false;
    await assert.rejects(http.start(), { code: "UNAVAILABLE", message: "Server not ready" });
  });

  test("refuses a port that is taken, and options out of range", async () => {
    const engine = new FakeEngine();
    await using http = await KServeHttp.start(engine, LOCAL);
    await assert.rejects(KServeHttp.start(engine, { ...LOCAL, port: http.port }), {
      code: "UNAVAILABLE",
      message: `Socket '127.0.0.1:${http.port}' already in use `,
    });
    assert.equal(engine.frontends.size, 1);
    assert.throws(() => new KServeHttp(engine, { port: 65536 }), /port 65536/);
    assert.throws(() => new KServeHttp(engine, { maxInputSize: 0 }), /limit input to 0 bytes/);
  });

  test("lets requests in flight finish when it stops", async () => {
    const engine = new FakeEngine({ m: slow(300) });
    const http = await KServeHttp.start(engine, LOCAL);
    const response = infer(http);
    await until(() => engine.requests.length === 1);
    await http.stop();
    assert.equal((await response).status, 200);
    assert.equal(engine.cancelled, 0);
  });

  test("cancels requests that outlive the grace", async () => {
    const engine = new FakeEngine({ m: slow(10_000) });
    const http = await KServeHttp.start(engine, LOCAL);
    const response = infer(http);
    await until(() => engine.requests.length === 1);
    const before = Date.now();
    await http.stop({ graceMs: 100 });
    assert.ok(Date.now() - before < 2000);
    assert.equal((await response).status, 503);
    await until(() => engine.unreleased === 0 && engine.cancelled === 1);
  });

  test("cuts streams that outlive the grace", async () => {
    const engine = new FakeEngine({ m: ENDLESS });
    const http = await KServeHttp.start(engine, LOCAL);
    const url = `http://${http.address}/v2/models/m/generate_stream`;
    const response = await fetch(url, { method: "POST", body: "{}" });
    const read = response.text();
    await http.stop({ graceMs: 100 });
    await assert.rejects(read);
    await until(() => engine.unreleased === 0 && engine.cancelled === 1);
  });

  test("cancels the inference of a client that goes away", async () => {
    const engine = new FakeEngine({ m: slow(10_000) });
    await using http = await KServeHttp.start(engine, LOCAL);
    const client = new AbortController();
    const response = infer(http, { signal: client.signal });
    await until(() => engine.requests.length === 1);
    client.abort();
    await assert.rejects(response);
    await until(() => engine.cancelled === 1 && engine.unreleased === 0);
  });

  test("cancels the stream of a client that goes away", async () => {
    const engine = new FakeEngine({ m: ENDLESS });
    await using http = await KServeHttp.start(engine, LOCAL);
    const url = `http://${http.address}/v2/models/m/generate_stream`;
    const response = await fetch(url, { method: "POST", body: "{}" });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await until(() => engine.cancelled === 1 && engine.unreleased === 0);
  });

  test("is stopped by its server", async () => {
    const engine = new FakeEngine({ m: ECHO });
    const http = await KServeHttp.start(engine, LOCAL);
    await engine.stop();
    await assert.rejects(infer(http));
    assert.equal(engine.frontends.size, 0);
  });

  test("takes bodies of many megabytes", async () => {
    const engine = new FakeEngine({ m: ECHO });
    await using http = await KServeHttp.start(engine, LOCAL);
    const size = 200 * 1024 * 1024;
    const json = `{"inputs":[{"name":"x","datatype":"UINT8","shape":[${size}],"parameters":` +
      `{"binary_data_size":${size}}}],"parameters":{"binary_data_output":true}}`;
    const body = new Uint8Array(json.length + size);
    new TextEncoder().encodeInto(json, body);
    body[body.length - 1] = 7;
    const headers = { "inference-header-content-length": String(json.length) };
    const answer = await (await infer(http, { body, headers })).arrayBuffer();
    assert.equal(new Uint8Array(answer).at(-1), 7);
  });
});

describe("Metrics", () => {
  test("listens and stops", async () => {
    const engine = new FakeEngine();
    await using metrics = await Metrics.start(engine, LOCAL);
    const response = await fetch(`http://${metrics.address}/metrics`);
    assert.equal(await response.text(), engine.metrics);
    await assert.rejects(metrics.start(), /Metrics server is already running\./);
    await metrics.stop();
    await assert.rejects(metrics.stop(), /Metrics server is not running\./);
  });
});
