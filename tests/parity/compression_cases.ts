/**
 * Compressed requests and answers.
 *
 * @module
 */
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { concat, utf8 } from "../support/wire.ts";
import { get, type ParityCase, post } from "./parity_case.ts";

const TARGET = "/v2/models/identity_fp32/infer";
const JSON_BODY = utf8(
  '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2],"data":[1,2.5]}]}',
);
const HEADER = utf8(
  '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}],' +
    '"parameters":{"binary_data_output":true}}',
);
const BINARY = concat([HEADER, new Uint8Array(new Float32Array([1, 2.5]).buffer)]);
const ENCODERS = { gzip: gzipSync, deflate: deflateSync };

function encoded(name: string, encoding: string, body: Uint8Array): ParityCase {
  return post(`compressed: ${name}`, TARGET, body, [["Content-Encoding", encoding]]);
}

const ACCEPTED = [
  ...[
    "gzip",
    "deflate",
    "identity",
    "gzip, deflate",
    "deflate, gzip",
    "gzip,deflate",
    "deflate,gzip",
  ],
  ...[
    "gzip;q=0.5,deflate;q=0.7",
    "gzip;q=0.5,deflate",
    "gzip;q=0",
    "gzip;q=0,deflate;q=0.1",
    "gzip;q=1.5",
  ],
  ...[
    "identity;q=0.9,gzip;q=0.8",
    "identity;q=0.1,gzip;q=0.8",
    "gzip;q=x",
    "gzip;q=x,deflate",
    "gzip;q=",
  ],
  ...[
    "gzip; q=0.5",
    "gzip ;q=0.5",
    "gzip ,deflate",
    "GZIP",
    "Deflate",
    "*",
    "*;q=0.5",
    "br",
    "br, gzip",
    "",
  ],
  ...[
    ",",
    ",,gzip",
    "gzip;q=-1",
    "gzip;q=+1",
    "gzip;q=.5",
    "gzip;q=1e-1,deflate;q=0.2",
    "gzip;q=0.5;x=1",
  ],
  ...["gzip;Q=0.5", "gzip;x=1", "gzip;q=0.5 ", "x-gzip", "gzip;q=inf,deflate;q=2", "gzip;q=0x1"],
];

/** Compression of requests and answers. */
export const COMPRESSION_CASES: readonly ParityCase[] = [
  ...Object.entries(ENCODERS).flatMap(([name, encode]) => [
    encoded(`${name} JSON`, name, encode(JSON_BODY)),
    encoded(`${name} said to be gzip`, "gzip", encode(JSON_BODY)),
    encoded(`${name} said to be deflate`, "deflate", encode(JSON_BODY)),
    encoded(`${name} twice`, name, encode(encode(JSON_BODY))),
    encoded(`${name} bad JSON`, name, encode(utf8("{"))),
    post(`compressed: ${name} binary`, TARGET, encode(BINARY), [
      ["Content-Encoding", name],
      ["Inference-Header-Content-Length", String(HEADER.length)],
    ]),
    post(`compressed: ${name}, header too long`, TARGET, encode(BINARY), [
      ["Content-Encoding", name],
      ["Inference-Header-Content-Length", String(BINARY.length + 1)],
    ]),
    post(`compressed: ${name} and back`, TARGET, encode(BINARY), [
      ["Content-Encoding", name],
      ["Accept-Encoding", name],
      ["Inference-Header-Content-Length", String(HEADER.length)],
    ]),
    ...["/v2/logging", "/v2/repository/index", "/v2/models/llm/generate"].map((target) =>
      post(`compressed: ${name} to ${target}`, target, encode(utf8("{}")), [[
        "Content-Encoding",
        name,
      ]])
    ),
    encoded(`${name}, garbage`, name, utf8("this is not compressed")),
    encoded(`${name}, cut short`, name, encode(JSON_BODY).subarray(0, 40)),
    encoded(`${name}, garbage behind`, name, concat([encode(JSON_BODY), utf8("garbage")])),
    encoded(`${name}, nothing`, name, new Uint8Array(0)),
  ]),
  encoded("raw deflate", "deflate", deflateRawSync(JSON_BODY)),
  encoded("two gzip members", "gzip", concat([gzipSync(JSON_BODY), gzipSync(utf8("x"))])),
  ...["identity", "br", "GZIP", "gzip, deflate", "gzip ", "", "x-gzip", "chunked"].map((encoding) =>
    encoded(`not, but marked "${encoding}"`, encoding, JSON_BODY)
  ),
  ...ACCEPTED.map((accept) =>
    post(`accepts "${accept}"`, TARGET, JSON_BODY, [["Accept-Encoding", accept]])
  ),
  post("accepts twice", TARGET, JSON_BODY, [["Accept-Encoding", "br"], [
    "Accept-Encoding",
    "gzip",
  ]]),
  post("accepts gzip, but fails", TARGET, "{}", [["Accept-Encoding", "gzip"]]),
  get("/v2", [["Accept-Encoding", "gzip"]]),
];
