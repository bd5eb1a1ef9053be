/**
 * ModelInferRequest decoded by hand is what the general decoder makes of it.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelInferRequestSchema } from "../../proto/gen/grpc_service_pb.ts";
import { decodeInferMessage, type InferMessage } from "../../src/grpc/infer_message.ts";
import { join } from "../support/h2_peer.ts";

const text = (value: string) => new TextEncoder().encode(value);
const varint = (value: bigint): Uint8Array => {
  const bytes: number[] = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return Uint8Array.from([...bytes, Number(value)]);
};
const tag = (field: number, type: number) => varint(BigInt(field * 8 + type));
const bytes = (field: number, ...content: Uint8Array[]) => {
  const joined = join(content);
  return join([tag(field, 2), varint(BigInt(joined.length)), joined]);
};
const number = (field: number, value: bigint) => join([tag(field, 0), varint(value)]);

/** A message as plain data, in which both decoders can be compared. */
function plain(message: InferMessage): unknown {
  const parameters = (entries: InferMessage["parameters"]) =>
    Object.entries(entries).map(([name, { parameterChoice }]) => [
      name,
      parameterChoice.case,
      parameterChoice.value,
    ]);
  return {
    names: [message.modelName, message.modelVersion, message.id],
    parameters: parameters(message.parameters),
    inputs: message.inputs.map((input) => [
      ...[input.name, input.datatype, input.shape.map(BigInt), parameters(input.parameters)],
      input.contents,
    ]),
    outputs: message.outputs.map(({ name, parameters: own }) => [name, parameters(own)]),
    raw: message.rawInputContents.map((content) => Array.from(content)),
  };
}

function isSame(message: Uint8Array): void {
  const expected = plain(fromBinary(ModelInferRequestSchema, message));
  assert.deepEqual(plain(decodeInferMessage(message)), expected);
}

const FULL = toBinary(
  ModelInferRequestSchema,
  create(ModelInferRequestSchema, {
    modelName: "model",
    modelVersion: "1",
    id: "ünïcode " + "long ".repeat(50),
    parameters: {
      b: { parameterChoice: { case: "boolParam", value: true } },
      i: { parameterChoice: { case: "int64Param", value: -(2n ** 63n) } },
      s: { parameterChoice: { case: "stringParam", value: "" } },
      d: { parameterChoice: { case: "doubleParam", value: -0.1 } },
      u: { parameterChoice: { case: "uint64Param", value: 2n ** 64n - 1n } },
      none: {},
    },
    inputs: [
      { name: "A", datatype: "FP32", shape: [1n, -1n, 2n ** 40n, 127n, 128n, 2n ** 28n] },
      {
        name: "B",
        datatype: "INT32",
        shape: [],
        parameters: { p: { parameterChoice: { case: "int64Param", value: 1n } } },
        contents: { intContents: [1, -2], bytesContents: [text("x")] },
      },
    ],
    outputs: [
      {
        name: "C",
        parameters: { classification: { parameterChoice: { case: "int64Param", value: 3n } } },
      },
      { name: "D" },
    ],
    rawInputContents: [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(300).fill(9)],
  }),
);

test("decodeInferMessage() reads all fields", () => isSame(FULL));

test("decodeInferMessage() leaves raw contents where they are", () => {
  const { rawInputContents } = decodeInferMessage(FULL);
  assert.equal(rawInputContents[2].length, 300);
  assert.equal(rawInputContents[2].buffer, FULL.buffer);
});

const int64Param = (value: bigint) => bytes(2, number(2, value));
const ODD: readonly (readonly [what: string, ...pieces: Uint8Array[]])[] = [
  ["nothing"],
  ["the last of a field that comes twice", bytes(1, text("a")), bytes(1, text("b"))],
  [
    "shapes packed and not, in several parts",
    bytes(
      5,
      number(3, 1n),
      bytes(3, varint(2n), varint(300n)),
      number(3, 2n ** 64n - 1n),
      bytes(3),
    ),
  ],
  [
    "contents in several parts as one",
    bytes(5, bytes(5, number(2, 1n)), bytes(1, text("A")), bytes(5, bytes(2, varint(2n)))),
  ],
  [
    "the last of a map's entries with the same key",
    bytes(4, bytes(1, text("k")), int64Param(1n)),
    bytes(4, bytes(1, text("k")), int64Param(2n)),
  ],
  ["map entries without key or value", bytes(4), bytes(4, bytes(1, text("k")))],
  ["map entries with the value in front", bytes(4, int64Param(1n), bytes(1, text("k")))],
  [
    "the last of a oneof's values",
    bytes(4, bytes(1, text("k")), bytes(2, number(2, 7n), number(1, 1n))),
  ],
  [
    "unknown fields of all types, and goes over them",
    number(100, 5n),
    join([tag(101, 1), new Uint8Array(8)]),
    join([tag(102, 5), new Uint8Array(4)]),
    bytes(103, text("x")),
    join([tag(104, 3), number(1, 1n), tag(9, 3), tag(9, 4), tag(104, 4)]),
    bytes(1, text("m")),
    bytes(5, number(99, 1n), bytes(1, text("A"))),
    bytes(6, number(99, 1n), bytes(1, text("B"))),
    bytes(4, number(99, 1n), bytes(1, text("k")), bytes(2, number(99, 1n), number(2, 1n))),
  ],
  ["varints that are longer than need be", Uint8Array.of(0x0a, 0x81, 0x80, 0x00, 0x61)],
];

for (const [what, ...pieces] of ODD) {
  test(`decodeInferMessage() reads ${what}`, () => isSame(join(pieces)));
}

test("decodeInferMessage() takes a known field of another wire type for an unknown one", () => {
  const message = decodeInferMessage(join([
    number(1, 5n),
    bytes(5, number(1, 5n), join([tag(3, 5), new Uint8Array(4)]), bytes(2, text("FP32"))),
    bytes(4, bytes(1, text("k")), bytes(2, bytes(2, text("x")), number(3, 1n))),
  ]));
  assert.equal(message.modelName, "");
  assert.deepEqual(message.inputs.map(({ datatype, shape }) => [datatype, shape]), [["FP32", []]]);
  assert.equal(message.parameters.k.parameterChoice.case, undefined);
});

test("decodeInferMessage() has no trouble with names that objects have already", () => {
  const { parameters } = decodeInferMessage(
    bytes(4, bytes(1, text("__proto__")), int64Param(1n)),
  );
  assert.deepEqual(Object.keys(parameters), ["__proto__"]);
});

for (
  const [what, message] of [
    ["a length behind the end", Uint8Array.of(0x0a, 5, 0x61)],
    ["a field behind the end of its message", bytes(5, Uint8Array.of(0x0a, 5, 0x61))],
    ["a varint of eleven bytes", Uint8Array.of(0x08, ...new Uint8Array(10).fill(0xff), 1)],
    ["a tag without a field", Uint8Array.of(0x00, 0x00)],
    ["a wire type that there is not", Uint8Array.of(0x0e)],
    ["the end of a group that has not begun", tag(20, 4)],
    ["a group without an end", tag(20, 3)],
    ["groups without end in each other", new Uint8Array(1000).fill(0xa3)],
    ["a name that is not UTF-8", bytes(1, Uint8Array.of(0xc3, 0x28))],
    ["contents that are none", bytes(5, bytes(5, Uint8Array.of(0x12, 9)))],
  ] as const
) {
  test(`decodeInferMessage() refuses ${what}`, () => {
    assert.throws(() => decodeInferMessage(message));
  });
}

test("decodeInferMessage() agrees with the general decoder on messages cut off anywhere", () => {
  for (let size = 0; size < FULL.length; size++) {
    const cut = FULL.subarray(0, size);
    let isFine = true;
    try {
      fromBinary(ModelInferRequestSchema, cut);
    } catch {
      isFine = false;
    }
    if (isFine) isSame(cut);
    else assert.throws(() => decodeInferMessage(cut), `${size}`);
  }
});
