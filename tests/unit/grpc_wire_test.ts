/**
 * The parts of gRPC below the services: frames, status, compression, time-outs, metadata.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { parseTimeout } from "../../src/grpc/call.ts";
import {
  compress,
  decompress,
  requestEncoding,
  responseEncoding,
} from "../../src/grpc/compression.ts";
import { frameOf, FrameReader, MessageTooLargeError } from "../../src/grpc/framing.ts";
import { metadataPairs } from "../../src/grpc/metadata_pairs.ts";
import { parseVersion } from "../../src/grpc/model_version.ts";
import { percentEncode, statusFields, statusOf } from "../../src/grpc/status.ts";
import { giveMemory, takeMemory } from "../../src/memory_pool.ts";
import { TritonError } from "../../src/errors.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

function readAll(chunks: Uint8Array[]): [string, boolean][] {
  const messages: [string, boolean][] = [];
  const reader = new FrameReader((message, compressed) => {
    messages.push([text(message), compressed]);
  });
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}

describe("FrameReader", () => {
  const stream = Uint8Array.from([
    ...frameOf(bytes("one"), false),
    ...frameOf(bytes(""), false),
    ...frameOf(bytes("three"), true),
  ]);
  const expected = [["one", false], ["", false], ["three", true]];

  it("cuts messages from one chunk", () => {
    assert.deepEqual(readAll([stream]), expected);
  });

  it("joins messages from chunks of any size", () => {
    for (let size = 1; size < stream.length; size++) {
      const chunks = [];
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
      assert.deepEqual(readAll(chunks), expected);
    }
  });

  it("keeps nothing of the chunks behind the call", () => {
    const small: string[] = [];
    let large = new Uint8Array(0);
    const reader = new FrameReader((message) => {
      if (message.length < 4097) small.push(text(message));
      else large = message as Uint8Array<ArrayBuffer>;
    });
    const big = new Uint8Array(4097).fill(9);
    for (const chunk of [stream.slice(0, 7), stream.slice(7), frameOf(big, false)]) {
      reader.push(chunk);
      chunk.fill(0);
    }
    assert.deepEqual(small, ["one", "", "three"]);
    assert.deepEqual(large, big);
  });

  it("joins a long message from pieces, in memory of the pool", () => {
    const long = Uint8Array.from({ length: 700_000 }, (_, i) => i * i);
    let found: Uint8Array | undefined;
    const reader = new FrameReader((message) => found = message);
    const framed = frameOf(long, false);
    for (let at = 0; at < framed.length; at += 16384) reader.push(framed.slice(at, at + 16384));
    assert.deepEqual(found, long);
    const { buffer } = found as Uint8Array;
    giveMemory(found as Uint8Array);
    assert.equal(takeMemory(long.length).buffer, buffer);
  });

  it("takes memory for what has come, not for what is announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const reader = new FrameReader(() => {});
    reader.push(Uint8Array.of(0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3));
    assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
  });

  it("refuses a length over 2^31-1 with gRPC's text", () => {
    assert.throws(
      () => readAll([Uint8Array.of(0, 0x80, 0, 0, 0)]),
      (error) =>
        error instanceof MessageTooLargeError &&
        error.message === "Received message larger than max (2147483648 vs. 2147483647)",
    );
  });
});

describe("status", () => {
  it("percent-encodes UTF-8, the percent sign and blanks at the ends", () => {
    assert.equal(percentEncode("plain text, [x] 'y'"), "plain text, [x] 'y'");
    assert.equal(percentEncode("bad é中 100%"), "bad %C3%A9%E4%B8%AD 100%25");
    assert.equal(percentEncode("two\nlines"), "two%0Alines");
    assert.equal(percentEncode(" a b "), "%20a b%20");
    assert.equal(percentEncode(" "), "%20");
    assert.equal(percentEncode(""), "");
  });

  it("leaves an empty message out", () => {
    assert.deepEqual(statusFields({ code: 13, message: "" }), { "grpc-status": "13" });
    assert.deepEqual(statusFields(undefined), { "grpc-status": "0" });
  });

  it("maps Triton's codes and takes anything else for INTERNAL", () => {
    assert.deepEqual(statusOf(new TritonError("UNSUPPORTED", "no")), { code: 12, message: "no" });
    assert.deepEqual(statusOf(new Error("oops")), { code: 13, message: "oops" });
  });
});

describe("compression", () => {
  it("knows identity, gzip and deflate in requests", () => {
    assert.equal(requestEncoding(undefined), undefined);
    assert.equal(requestEncoding("identity"), undefined);
    assert.equal(requestEncoding("gzip"), "gzip");
    assert.equal(requestEncoding("br"), null);
  });

  it("chooses for responses among what the client accepts", () => {
    const both = "identity, deflate, gzip";
    assert.equal(responseEncoding("none", both), undefined);
    assert.equal(responseEncoding("low", both), "gzip");
    assert.equal(responseEncoding("medium", both), "deflate");
    assert.equal(responseEncoding("high", both), "deflate");
    assert.equal(responseEncoding("high", "gzip"), "gzip");
    assert.equal(responseEncoding("low", "deflate"), "deflate");
    assert.equal(responseEncoding("high", "identity"), undefined);
    assert.equal(responseEncoding("high", undefined), undefined);
  });

  it("returns what went in, and nothing when packing does not pay", () => {
    const message = new Uint8Array(1000);
    for (const encoding of ["gzip", "deflate"] as const) {
      const packed = compress(encoding, message);
      assert.ok(packed && packed.length < 100);
      assert.deepEqual(new Uint8Array(decompress(encoding, packed)), message);
      assert.equal(compress(encoding, bytes("abc")), undefined);
    }
  });
});

describe("parseTimeout()", () => {
  it("reads all units", () => {
    assert.equal(parseTimeout("1H"), 3_600_000);
    assert.equal(parseTimeout("2M"), 120_000);
    assert.equal(parseTimeout("3S"), 3000);
    assert.equal(parseTimeout("250m"), 250);
    assert.equal(parseTimeout("1500u"), 2);
    assert.equal(parseTimeout("1n"), 1);
  });

  it("takes nothing else", () => {
    for (const bad of ["", "1", "m", "-1m", "1.5S", "123456789S"]) {
      assert.equal(parseTimeout(bad), undefined);
    }
  });
});

describe("parseVersion()", () => {
  it("reads as C does", () => {
    assert.equal(parseVersion(""), -1);
    for (const one of ["1", " 1", "1x", "+1", "01"]) assert.equal(parseVersion(one), 1n);
    assert.equal(parseVersion("9223372036854775807"), 9223372036854775807n);
  });

  it("refuses with Triton's texts", () => {
    for (const bad of ["x", "9223372036854775808", "-"]) {
      assert.throws(() => parseVersion(bad), {
        code: "INVALID_ARG",
        message: `failed to get model version from specified version string '${bad}' ` +
          "(details: stol), version should be an integral value > 0",
      });
    }
    assert.throws(() => parseVersion("-1"), {
      code: "INVALID_ARG",
      message: "invalid model version specified '-1' , version should be an integral value > 0",
    });
  });
});

describe("metadataPairs()", () => {
  it("keeps each of repeated fields and leaves the protocol's out", () => {
    const headers = [":path", "/x", "x-a", "1", "te", "trailers", "grpc-timeout", "1S", "x-a", "2"];
    assert.deepEqual([...metadataPairs(headers)], [["x-a", "1"], ["x-a", "2"]]);
  });

  it("decodes binary values and ends them at a NUL", () => {
    assert.deepEqual([...metadataPairs(["x-bin", "YWIAYw", "y-bin", "!"])], [
      ["x-bin", "ab"],
      ["y-bin", ""],
    ]);
  });
});
