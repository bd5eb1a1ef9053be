/**
 * The smaller parts of the protocol.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { classify, fixed } from "../../src/kserve/classification.ts";
import { stoi } from "../../src/kserve/c_string.ts";
import { acceptedEncoding, contentEncoding } from "../../src/kserve/compression.ts";
import { errorBody } from "../../src/kserve/error_body.ts";
import { forwardedHeaders, headerPattern } from "../../src/kserve/header_forwarding.ts";
import { parseJson } from "../../src/kserve/json/value.ts";
import { decodeBase64 } from "../../src/kserve/load_request.ts";
import { parseTraceUpdate, TraceSettings } from "../../src/kserve/trace_settings.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

describe("fixed() writes numbers as C's %f", () => {
  const cases: [number, string][] = [
    [3.25, "3.250000"],
    [1e-9, "0.000000"],
    [-0, "-0.000000"],
    [Math.fround(1e20), "100000002004087734272.000000"],
    [1e22, "10000000000000000000000.000000"],
    [0.0078125, "0.007812"],
    [0.0234375, "0.023438"],
    [-0.0078125, "-0.007812"],
    [1234567.0078125, "1234567.007812"],
    [NaN, "nan"],
    [-Infinity, "-inf"],
  ];
  for (const [value, text] of cases) test(text, () => assert.equal(fixed(value), text));
});

describe("classify()", () => {
  const floats = (...values: number[]) => ({
    name: "y",
    datatype: "FP32",
    shape: [values.length],
    data: new Uint8Array(new Float32Array(values).buffer),
  });

  test("gives all classes when more are asked for", () => {
    const { shape, data } = classify(floats(1, NaN, 2), 9, false, () => undefined);
    assert.deepEqual(shape, [3]);
    assert.equal(
      decoder.decode(data),
      "\x0a\0\0\x002.000000:2\x0a\0\0\x001.000000:0\x05\0\0\0nan:1",
    );
  });

  test("refuses types without an order", () => {
    assert.throws(
      () => classify({ ...floats(1), datatype: "BYTES" }, 1, false, () => undefined),
      {
        code: "INVALID_ARG",
        message: "class result not available for output due to unsupported type 'BYTES'",
      },
    );
  });

  test("refuses more than a million elements", () => {
    const large = { ...floats(), datatype: "INT8", shape: [1_000_001] };
    assert.throws(() => classify(large, 1, false, () => undefined), /output tensor too large/);
  });
});

test("acceptedEncoding() takes the known encoding of the highest quality", () => {
  const cases: [string | undefined, string][] = [
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["deflate, gzip", "deflate"],
    ["gzip;q=0.5, deflate;q=0.9", "deflate"],
    ["identity;q=1,gzip;q=0.5", "identity"],
    ["gzip;q=0", "identity"],
    ["gzip; q=0.5", "identity"],
    ["gzip ", "identity"],
    ["GZIP", "identity"],
    ["*", "identity"],
    ["br, gzip;q=3", "gzip"],
    ["deflate;q=x,gzip", "gzip"],
    ["gzip;q=1e999,deflate", "deflate"],
    ["gzip;q=1e-320", "identity"],
  ];
  for (const [header, encoding] of cases) assert.equal(acceptedEncoding(header), encoding);
});

test("contentEncoding() knows exact names only", () => {
  assert.equal(contentEncoding(undefined), "identity");
  assert.equal(contentEncoding("deflate"), "deflate");
  for (const header of ["GZIP", "gzip, deflate", "br", ""]) {
    assert.throws(() => contentEncoding(header), {
      code: "UNSUPPORTED",
      message: "Unsupported compression type",
    });
  }
});

test("errorBody() ends the message at a NUL", () => {
  assert.equal(decoder.decode(errorBody("got: a\0b")), '{"error":"got: a"}');
});

test("stoi() reads a leading 32-bit integer", () => {
  assert.equal(stoi(" \t-12abc"), -12);
  assert.equal(stoi("+3.9"), 3);
  assert.equal(stoi("2147483648"), Infinity);
  assert.equal(stoi("-2147483649"), -Infinity);
  assert.ok(Number.isNaN(stoi("x1")));
});

test("decodeBase64() skips what is no digit", () => {
  assert.equal(decoder.decode(decodeBase64(encoder.encode("aG\nVs bG8="))), "hello");
  assert.equal(decodeBase64(encoder.encode("!!!!")).length, 0);
});

describe("header forwarding", () => {
  const names = (pattern: string | RegExp) =>
    forwardedHeaders(new Headers({ "X-Fwd-A": "1", "other": "2" }), headerPattern(pattern))
      .map(([name]) => name);

  test("finds names anywhere, whatever their case", () => {
    assert.deepEqual(names(""), []);
    assert.deepEqual(names("Fwd"), ["x-fwd-a"]);
    assert.deepEqual(names("(?i)FWD|OTHER"), ["other", "x-fwd-a"]);
    assert.deepEqual(names("^fwd"), []);
  });

  test("minds case when told so", () => {
    assert.deepEqual(names("(?i)(?-i)Fwd"), []);
    assert.deepEqual(names(/x-fwd/g), ["x-fwd-a"]);
    assert.deepEqual(names(/X-/), []);
  });

  test("refuses what is no expression", () => {
    assert.throws(() => headerPattern("("), /headerForwardPattern '\(' is no regular expression/);
  });
});

describe("TraceSettings", () => {
  const update = (text: string) => parseTraceUpdate(parseJson(encoder.encode(text)));
  const started = () => new TraceSettings({ file: "t.json", rate: 50 });

  test("shows what it started with", () => {
    assert.equal(
      decoder.decode(started().json()),
      '{"trace_level":["OFF"],"trace_rate":"50","trace_count":"-1","log_frequency":"0",' +
        '"trace_file":"t.json","trace_mode":"triton"}',
    );
    const modeOptions = [["url", "http://x"]] as const;
    assert.equal(
      decoder.decode(new TraceSettings({ mode: "opentelemetry", modeOptions }).json()),
      '{"trace_level":["OFF"],"trace_rate":"1000","trace_count":"-1",' +
        '"trace_mode":"opentelemetry","url":"http://x"}',
    );
  });

  test("lets models follow the server where they say nothing", () => {
    const settings = started();
    settings.update(update('{"trace_count":"5"}'), "m");
    settings.update(update('{"trace_rate":"7","trace_count":"9","trace_level":["TENSORS"]}'));
    assert.deepEqual(settings.get("m"), {
      level: ["TENSORS"],
      rate: 7,
      count: 5,
      logFrequency: 0,
    });
    settings.update(update('{"trace_count":null}'), "m");
    assert.equal(settings.get("m").count, 9);
    settings.update(update('{"trace_rate":null}'));
    assert.equal(settings.get().rate, 50);
  });

  test("refuses settings that cannot trace, and changes nothing", () => {
    assert.throws(
      () => new TraceSettings().update(update('{"trace_level":["TIMESTAMPS"]}')),
      /Attempting to set invalid trace setting :trace file name is not given/,
    );
    const settings = started();
    assert.throws(
      () => settings.update(update('{"trace_level":["TIMESTAMPS"],"trace_rate":"0"}')),
      /:sample rate must be non-zero/,
    );
    assert.equal(settings.get().rate, 50);
    settings.update(update('{"trace_level":["TIMESTAMPS"]}'), "m");
    assert.throws(
      () => settings.update(update('{"trace_rate":"0"}')),
      /:sample rate must be non-zero/,
    );
    assert.equal(settings.get().rate, 50);
  });

  test("minds the order of levels", () => {
    assert.throws(
      () => update('{"trace_level":["TENSORS","OFF",5]}'),
      /Expect only one trace level 'OFF' is specified/,
    );
    assert.throws(() => update('{"trace_level":[5,"OFF"]}'), /non-string as string/);
    assert.deepEqual(update('{"trace_level":["OFF"]}'), { level: [] });
  });

  test("reads numbers as stoi does", () => {
    assert.deepEqual(update('{"trace_rate":"-1","log_frequency":" 3abc"}'), {
      rate: 4294967295,
      logFrequency: 3,
    });
    assert.deepEqual(update('{"trace_level":["TENSORS","FOO","TIMESTAMPS"]}'), {
      level: ["TIMESTAMPS", "TENSORS"],
    });
  });
});
