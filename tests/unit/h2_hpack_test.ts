/**
 * HPACK: the examples of RFC 7541, appendix C, and what a decoder must refuse.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionError, ErrorCode } from "../../src/grpc/h2/frames.ts";
import { HeaderBlocks } from "../../src/grpc/h2/header_blocks.ts";
import { HpackDecoder } from "../../src/grpc/h2/hpack_decoder.ts";
import { headerBlock } from "../../src/grpc/h2/hpack_encoder.ts";
import { huffmanCodes } from "../../src/grpc/h2/huffman.ts";

const LIMIT = 65536;

function decodeAll(blocks: readonly string[]): string[][] {
  const decoder = new HpackDecoder();
  return blocks.map((block) => {
    const bytes = Uint8Array.fromHex(block);
    return decoder.decode(bytes, 0, bytes.length, LIMIT) as string[];
  });
}

const FIRST = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const REQUESTS = [
  FIRST,
  [...FIRST, "cache-control", "no-cache"],
  [
    ...[":method", "GET", ":scheme", "https", ":path", "/index.html"],
    ...[":authority", "www.example.com", "custom-key", "custom-value"],
  ],
];

test("HpackDecoder reads the requests of RFC 7541, C.3 and C.4, with and without Huffman's code", () => {
  const plain = [
    "828684410f7777772e6578616d706c652e636f6d",
    "828684be58086e6f2d6361636865",
    "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
  ];
  const huffman = [
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
  ];
  assert.deepEqual(decodeAll(plain), REQUESTS);
  assert.deepEqual(decodeAll(huffman), REQUESTS);
});

test("HpackDecoder drops the oldest entries when a table is made small", () => {
  // Size 57: "custom-key: custom-header" is 55 and stays alone.
  const added = "400a637573746f6d2d6b65790d637573746f6d2d686561646572";
  const [, second] = decodeAll(["3f1a" + added, "be"]);
  assert.deepEqual(second, ["custom-key", "custom-header"]);
  assert.throws(() => decodeAll(["3f1a" + added, "20be"]), ConnectionError);
});

test("HpackDecoder reads every byte in Huffman's code", () => {
  const codes = huffmanCodes();
  for (let byte = 0; byte < 256; byte++) {
    const { code, length } = codes[byte];
    const padding = (8 - length % 8) % 8;
    const bits = (BigInt(code) << BigInt(padding)) | ((1n << BigInt(padding)) - 1n);
    const size = (length + padding) / 8;
    const text = bits.toString(16).padStart(size * 2, "0");
    const block = `000161${(0x80 | size).toString(16)}${text}`;
    assert.deepEqual(decodeAll([block]), [["a", String.fromCharCode(byte)]]);
  }
});

for (
  const [what, block] of [
    ["index 0", "80"],
    ["an index behind the tables", "be"],
    ["an integer without an end", "7fffffffffffffffff01"],
    ["an integer that is cut off", "7f"],
    ["a string that is cut off", "000561"],
    ["a string without a value", "000161"],
    ["padding of zeros", "00016181f0"],
    ["padding of eight ones", "0001618207ff"],
    ["the end symbol within a string", "00016184ffffffff"],
    ["a size update behind a field", "8220"],
    ["a size update over the limit", "3fe21f"],
  ]
) {
  test(`HpackDecoder refuses ${what}`, () => {
    assert.throws(() => decodeAll([block]), { code: ErrorCode.COMPRESSION_ERROR });
  });
}

test("HpackDecoder does not keep what is over the limit, but follows the table", () => {
  const decoder = new HpackDecoder();
  const big = headerBlock({ big: "x".repeat(100) });
  const bytes = Uint8Array.of(0x40, 1, 0x61, 1, 0x62, ...big);
  assert.equal(decoder.decode(bytes, 0, bytes.length, 100), undefined);
  assert.deepEqual(decoder.decode(Uint8Array.of(0xbe), 0, 1, 100), ["a", "b"]);
});

test("headerBlock() writes what HpackDecoder reads", () => {
  const fields = {
    ":status": "200",
    "content-type": "application/grpc",
    "grpc-message": "long ".repeat(1000),
    "grpc-status": "13",
  };
  const block = headerBlock(fields);
  assert.equal(headerBlock(fields), block);
  const decoded = new HpackDecoder().decode(block, 0, block.length, LIMIT);
  assert.deepEqual(decoded, Object.entries(fields).flat());
});

test("HeaderBlocks decodes a block again only when it may mean something else", () => {
  const blocks = new HeaderBlocks();
  const request = (hex: string) => {
    const bytes = Uint8Array.fromHex(hex);
    return blocks.request(bytes, 0, bytes.length);
  };
  request("838644012f4001610162");
  const first = request("8386bfbe");
  assert.equal(request("8386bfbe"), first);
  assert.deepEqual(typeof first === "object" && first.fields.slice(4), [":path", "/", "a", "b"]);
  request("838684400163016444012f");
  assert.notEqual(request("8386bfbe"), first);
});
