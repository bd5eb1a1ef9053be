/**
 * The JSON layer: rapidjson's reading and writing.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readBytesTensor, readNumericTensor } from "../../src/kserve/json/tensor.ts";
import { type JsonValue, parseJson } from "../../src/kserve/json/value.ts";
import { JsonWriter } from "../../src/kserve/json/writer.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function parse(text: string): JsonValue {
  return parseJson(encoder.encode(text));
}

/** One character a byte. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

describe("parseJson() refuses malformed documents with rapidjson's text and offset", () => {
  const cases: [string, string, number][] = [
    ["", "The document is empty.", 0],
    ["  \n", "The document is empty.", 3],
    ["}", "The document is empty.", 0],
    [" ]", "The document is empty.", 1],
    ["1 2", "The document root must not be followed by other values.", 2],
    ["01", "The document root must not be followed by other values.", 1],
    ["x", "Invalid value.", 0],
    ["+1", "Invalid value.", 0],
    [".5", "Invalid value.", 0],
    ["nul", "Invalid value.", 3],
    ["nan", "Invalid value.", 1],
    ["-", "Invalid value.", 1],
    ["-x", "Invalid value.", 1],
    ["Infinit", "Invalid value.", 7],
    ["NaM", "Invalid value.", 2],
    ["[", "Invalid value.", 1],
    ["[1,]", "Invalid value.", 3],
    ["[,1]", "Invalid value.", 1],
    ["[}", "Invalid value.", 1],
    ['{"a":}', "Invalid value.", 5],
    ["/*c*/1", "Invalid value.", 0],
    ["{", "Missing a name for object member.", 1],
    ["{1:2}", "Missing a name for object member.", 1],
    ['{"a":1,}', "Missing a name for object member.", 7],
    ['{"a"}', "Missing a colon after a name of object member.", 4],
    ['{"a":1 "b":2}', "Missing a comma or '}' after an object member.", 7],
    ['{"a":1]', "Missing a comma or '}' after an object member.", 6],
    ["[1 2]", "Missing a comma or ']' after an array element.", 3],
    ["[1}", "Missing a comma or ']' after an array element.", 2],
    ["[1, 2", "Missing a comma or ']' after an array element.", 5],
    ["[01]", "Missing a comma or ']' after an array element.", 2],
    ['"\\u12"', "Incorrect hex digit after \\u escape in string.", 1],
    ['"\\ud800"', "The surrogate pair in string is invalid.", 1],
    ['"\\ud800\\u0041"', "The surrogate pair in string is invalid.", 1],
    ['"\\ud800\\u00zz"', "Incorrect hex digit after \\u escape in string.", 1],
    ['"\\x"', "Invalid escape character in string.", 1],
    ['"a\x01"', "Invalid escape character in string.", 2],
    ['"a\x00"', "Missing a closing quotation mark in string.", 2],
    ['"a', "Missing a closing quotation mark in string.", 2],
    ["1e309", "Number too big to be stored in double.", 0],
    ["[0e309]", "Number too big to be stored in double.", 1],
    ["1" + "0".repeat(309) + "e-9", "Number too big to be stored in double.", 0],
    ["1" + "0".repeat(309), "Number too big to be stored in double.", 0],
    ["1.", "Miss fraction part in number.", 2],
    ["[1.x]", "Miss fraction part in number.", 3],
    ["1e", "Miss exponent in number.", 2],
    ["1e+", "Miss exponent in number.", 3],
  ];
  for (const [text, message, offset] of cases) {
    test(JSON.stringify(text.slice(0, 30)), () => {
      assert.throws(() => parse(text), {
        code: "INTERNAL",
        message: `failed to parse the request JSON buffer: ${message} at ${offset}`,
      });
    });
  }
});

describe("parseJson()", () => {
  test("skips a byte order mark", () => {
    assert.equal(parse("\ufeff{}").isObject, true);
  });

  test("ends at a NUL outside a string", () => {
    assert.equal(parse('{"a":1}\0 garbage').member("a")?.asDouble(), 1);
  });

  test("keeps members of the same name and finds the first", () => {
    const json = parse('{"a":1,"b":2,"a":3}');
    assert.deepEqual([...json.members()].map(({ value }) => value.asDouble()), [1, 2, 3]);
    assert.deepEqual(json.membersByName().map(({ value }) => value.asDouble()), [1, 2, 1]);
    assert.equal(json.member("a")?.asDouble(), 1);
  });

  test("finds members behind nested containers", () => {
    const json = parse('{"x":[{"a":[1,{"b":[]}]},[[]]],"y":{"z":"}]"},"w":true}');
    assert.equal(json.member("w")?.asBoolean(), true);
    assert.equal(json.member("y")?.member("z")?.asString(), "}]");
    assert.equal(json.member("x")?.asArray()[1].asArray()[0].arrayLength(), 0);
    assert.equal(json.member("x")?.asArray()[0].member("a")?.asArray()[1].isObject, true);
  });

  test("takes any depth of nesting", () => {
    const depth = 1_000_000;
    assert.equal(parse("[".repeat(depth) + "]".repeat(depth)).isArray, true);
    assert.throws(() => parse("[".repeat(depth)), /Invalid value\. at 1000000/);
  });

  test("decodes names and strings", () => {
    const text = '{"\\u0061\\n":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\ud83d\\ude00"}';
    assert.equal(parse(text).member("a\n")?.asString(), '"\\/\b\f\n\r\t\u00e4\u20ac\u{1f600}');
  });

  test("keeps invalid UTF-8, and lone low surrogates as three bytes", () => {
    assert.deepEqual(parseJson(bytes('"\xff\xfe"')).asBytes(), bytes("\xff\xfe"));
    assert.deepEqual(parse('"\\udc00"').asBytes(), bytes("\xed\xb0\x80"));
  });

  test("tells integers from doubles", () => {
    assert.equal(parse("9223372036854775807").int64, 9223372036854775807n);
    assert.equal(parse("9223372036854775808").int64, undefined);
    assert.equal(parse("18446744073709551615").uint64, 18446744073709551615n);
    assert.equal(parse("18446744073709551616").uint64, undefined);
    assert.equal(parse("-9223372036854775808").int64, -9223372036854775808n);
    assert.equal(parse("-1").uint64, undefined);
    assert.equal(Object.is(parse("-0").uint64, 0), true);
    assert.equal(parse("1.0").int64, undefined);
    assert.equal(parse("1e3").int64, undefined);
    assert.equal(parse("NaN").int64, undefined);
    assert.equal(parse('"1"').int64, undefined);
  });

  test("reads doubles", () => {
    const read = (text: string) => parse(text).asDouble();
    assert.ok(Object.is(read("-0"), 0));
    assert.ok(Object.is(read("-0.0"), -0));
    assert.ok(Number.isNaN(read("-NaN")));
    assert.equal(read("-Inf"), -Infinity);
    assert.equal(read("Infinity"), Infinity);
    assert.equal(read("123e307"), Infinity); // only exponents beyond 308 are refused
    assert.equal(read("1e-400"), 0);
    assert.equal(read("18446744073709551615"), 2 ** 64);
  });

  test("says what a value is not", () => {
    assert.throws(() => parse("1").asString("Unable to parse 'id'"), {
      code: "INTERNAL",
      message: "Unable to parse 'id': attempt to access JSON non-string as string",
    });
    assert.throws(() => parse("1").asBoolean(), /non-boolean as boolean/);
    assert.throws(() => parse("-1").asUint64(), /non-unsigned-integer as unsigned-integer/);
    assert.throws(() => parse('"1"').asDouble(), /non-number as double/);
    assert.throws(() => parse("{}").asArray(), /non-array as array/);
    assert.throws(() => parse("[]").asObject(), /non-object as object/);
    assert.throws(() => parse("[]").requiredMember("k"), /non-existing object member 'k'/);
    assert.throws(() => [...parse("[]").members()], /attempt to get members for non-object/);
  });
});

describe("readNumericTensor()", () => {
  const floats = (text: string, count: number) =>
    new Float64Array(readNumericTensor(parse(text), "FP64", count).slice().buffer);

  test("reads what Number() reads, to the last bit", () => {
    let seed = 42;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const texts: string[] = ["0.1", "123456789012345678", "9007199254740993", "0.000001", "5e-324"];
    texts.push("1.7976931348623157e308", "0.5000000000000001", "12345678.901234567", "1e22", "1E5");
    for (let i = 0; i < 20_000; i++) {
      const digits = 1 + Math.floor(random() * 20);
      let number = "";
      while (number.length < digits) number += Math.floor(random() * 10);
      const point = Math.floor(random() * digits);
      const whole = number.slice(0, point).replace(/^0+/, "") || "0";
      texts.push(`${random() < 0.5 ? "-" : ""}${whole}.${number.slice(point)}`);
      texts.push(String((random() - 0.5) * 10 ** Math.floor(random() * 30 - 15)));
      texts.push(String(Math.fround(random() - 0.5)));
    }
    const read = floats(`[${texts.join(",")}]`, texts.length);
    texts.forEach((text, index) => {
      assert.ok(Object.is(read[index], Number(text)), `${text}: ${read[index]}`);
    });
  });

  test("reads NaN, the infinities and zeros", () => {
    const text = "[NaN,-NaN,Inf,-Inf,Infinity,-Infinity,-0,-0.0, 0 , -1.5]";
    const expected = [NaN, NaN, Infinity, -Infinity, Infinity, -Infinity, 0, -0, 0, -1.5];
    assert.deepEqual([...floats(text, 10)], expected);
  });

  test("flattens any nesting", () => {
    assert.deepEqual([...floats("[1,[2,[]],[[3]] ]", 3)], [1, 2, 3]);
  });

  test("wraps integers to their width", () => {
    const read = (text: string, type: "UINT8" | "INT16" | "INT8") =>
      readNumericTensor(parse(text), type, 2).slice();
    assert.deepEqual([...read("[255,256]", "UINT8")], [255, 0]);
    assert.deepEqual([...new Int16Array(read("[-32768,40000]", "INT16").buffer)], [-32768, -25536]);
    assert.deepEqual([...new Int8Array(read("[-129,12345678901234]", "INT8").buffer)], [127, -14]);
  });

  test("reads 64-bit integers exactly", () => {
    const text = "[9223372036854775807,-9223372036854775808,-1,123456789,-1234567890123]";
    const data = readNumericTensor(parse(text), "INT64", 5).slice();
    assert.deepEqual(
      [...new BigInt64Array(data.buffer as ArrayBuffer)],
      [2n ** 63n - 1n, -(2n ** 63n), -1n, 123456789n, -1234567890123n],
    );
    const unsigned = readNumericTensor(parse("[18446744073709551615,-0]"), "UINT64", 2).slice();
    assert.deepEqual([...new BigUint64Array(unsigned.buffer as ArrayBuffer)], [2n ** 64n - 1n, 0n]);
  });

  test("refuses elements of other types", () => {
    const refuse = (text: string, type: "BOOL" | "UINT8" | "INT64" | "FP32", kind: RegExp) =>
      assert.throws(() => readNumericTensor(parse(text), type, 1), kind);
    refuse("[1]", "BOOL", /non-boolean as boolean/);
    refuse("[-1]", "UINT8", /non-unsigned-integer as unsigned-integer/);
    refuse("[1.0]", "INT64", /non-signed-integer as signed-integer/);
    refuse("[1e3]", "INT64", /non-signed-integer as signed-integer/);
    refuse("[9223372036854775808]", "INT64", /non-signed-integer as signed-integer/);
    refuse('["1"]', "FP32", /non-number as double/);
    refuse("[null]", "FP32", /non-number as double/);
    refuse("[{}]", "FP32", /non-number as double/);
    refuse("[true]", "UINT8", /non-unsigned-integer as unsigned-integer/);
  });

  test("counts elements", () => {
    assert.throws(() => floats("[1,2,3]", 2), /Unable to parse 'data': Shape does not match true/);
    assert.throws(() => floats("[1]", 2), {
      code: "INTERNAL",
      message: "Failed to parse 'data' field: shape does not match true shape",
    });
  });

  test("limits nesting", () => {
    const nested = (depth: number) => "[".repeat(depth) + "1" + "]".repeat(depth);
    assert.deepEqual([...floats(nested(99), 1)], [1]);
    assert.throws(() => floats(nested(100), 1), {
      code: "INVALID_ARG",
      message: "Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit (100)",
    });
  });

  test("reads a lone value as one element", () => {
    assert.deepEqual([...floats("1.5", 1)], [1.5]);
    assert.deepEqual([...readNumericTensor(parse("7"), "UINT8", 1)], [7]);
    assert.deepEqual([...readNumericTensor(parse("true"), "BOOL", 1)], [1]);
  });
});

describe("readBytesTensor()", () => {
  test("puts each string behind its length", () => {
    const long = "x".repeat(300);
    const data = readBytesTensor(parse(`["a",["","\\u20ac"],"${long}"]`));
    assert.equal(
      decoder.decode(data),
      "\x01\0\0\0a\0\0\0\0\x03\0\0\0\u20ac\x2c\x01\0\0" + long,
    );
  });

  test("has room for many empty strings", () => {
    assert.equal(readBytesTensor(parse(`[${Array(1000).fill('""').join(",")}]`)).length, 4000);
  });

  test("refuses everything else", () => {
    assert.throws(() => readBytesTensor(parse('["a",1]')), {
      message: "Unable to parse JSON bytes array: attempt to access JSON non-string as string",
    });
  });
});

describe("JsonWriter", () => {
  const write = (put: (writer: JsonWriter) => void) => {
    const writer = new JsonWriter(1);
    put(writer);
    return decoder.decode(writer.bytes());
  };

  test("writes doubles as rapidjson does", () => {
    const cases: [number, string][] = [
      [1, "1.0"],
      [-0, "-0.0"],
      [0.1, "0.1"],
      [1e20, "100000000000000000000.0"],
      [1e21, "1e21"],
      [1.5e300, "1.5e300"],
      [0.000001, "0.000001"],
      [1e-7, "1e-7"],
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
    ];
    for (const [value, text] of cases) assert.equal(write((writer) => writer.double(value)), text);
  });

  test("writes strings with few escapes", () => {
    assert.equal(
      write((writer) => writer.string('"\\/\b\f\n\r\t\x01\x1f\x7f\u00e4\u{1f600}')),
      '"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\u00e4\u{1f600}"',
    );
  });

  test("keeps bytes that are no UTF-8", () => {
    const writer = new JsonWriter(1);
    writer.stringBytes(bytes("\xff\n"), 0, 2);
    assert.deepEqual(writer.bytes(), bytes('"\xff\\n"'));
  });

  test("writes integers in full", () => {
    assert.equal(write((writer) => writer.integer(2n ** 64n - 1n)), "18446744073709551615");
  });
});
