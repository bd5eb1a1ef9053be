/**
 * Inference requests: their members, binary layouts, wanted outputs, classes, parameters.
 *
 * @module
 */
import { concat, utf8 } from "../support/wire.ts";
import { type Headers, type ParityCase, post } from "./parity_case.ts";

const PARAMS = "/v2/models/params/infer";
const FP32 = "/v2/models/identity_fp32/infer";
const ONE = '"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1]}]';

function body(name: string, members: string, target = PARAMS): ParityCase {
  return post(name, target, members);
}

const INPUT_FAULTS = [
  "1",
  "null",
  "[]",
  "{}",
  '{"name":"INPUT0"}',
  '{"name":1,"datatype":"FP32","shape":[1],"data":[1]}',
  '{"datatype":"FP32","shape":[1],"data":[1]}',
  '{"name":"INPUT0","shape":[1],"data":[1]}',
  '{"name":"INPUT0","datatype":1,"shape":[1],"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":1}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":{},"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":{"other":1},"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":null,"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":{"shared_memory_offset":"x"},"data":[1]}',
  '{"name":"INPUT0\\u0000x","datatype":"FP32\\u0000y","shape":[1],"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4},"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1],"parameters":{"shared_memory_region":"r"}}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],' +
  '"parameters":{"shared_memory_region":"r","binary_data_size":4}}',
  '{"name":"NOPE","datatype":"FP32","shape":[1],"data":[1]}',
  '{"name":"INPUT0","datatype":"INT32","shape":[1],"data":[1]}',
  '{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1],"unknown":{"x":[]}}',
  '{"name":"INPUT0","name":"OTHER","datatype":"FP32","shape":[1],"data":[1]}',
];

const PARAMETERS = [
  ...[
    '"x"',
    '"a\\u0000b"',
    '""',
    "1",
    "0",
    "-1",
    "true",
    "false",
    "1.5",
    "1.0",
    "1e3",
    "NaN",
    "-Inf",
  ],
  ...[
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "null",
    "[]",
    "[1]",
    "{}",
  ],
];
const SPECIAL = ["sequence_id", "sequence_start", "sequence_end", "priority", "timeout"];
const SPECIAL_VALUES = ['"x"', "1", "0", "-1", "true", "1.5", "null", "18446744073709551615", "[]"];

/** The members of a request, its parameters and its faults. */
export const INFER_CASES: readonly ParityCase[] = [
  ...INPUT_FAULTS.map((input) => body(`input ${input}`, `{"inputs":[${input}]}`)),
  ...["null", "1", "{}", '""', "[]"].map((inputs) =>
    body(`inputs ${inputs}`, `{"inputs":${inputs}}`)
  ),
  ...["null", "1", "{}", '""', "[]", "[1]", "[null]", "[{}]", '[{"name":1}]', '[{"name":"NOPE"}]']
    .map(
      (outputs) => body(`outputs ${outputs}`, `{${ONE},"outputs":${outputs}}`),
    ),
  ...["null", "1", '""', '"a"', '"a\\u0000b"', '"é"', "[]"].map((id) =>
    body(`id ${id}`, `{"id":${id},${ONE}}`)
  ),
  ...["null", "1", '""', "[]", "{}"].map((parameters) =>
    body(`parameters ${parameters}`, `{"parameters":${parameters},${ONE}}`)
  ),
  ...PARAMETERS.map((value) => body(`parameter ${value}`, `{"parameters":{"p":${value}},${ONE}}`)),
  ...SPECIAL.flatMap((name) =>
    SPECIAL_VALUES.map((value) =>
      body(`parameter ${name} ${value}`, `{"parameters":{"${name}":${value}},${ONE}}`)
    )
  ),
  ...[
    "triton_x",
    "triton_",
    "triton",
    "Triton_x",
    "headers",
    "",
    "triton_enable_empty_final_response",
  ].map(
    (name) => body(`parameter called "${name}"`, `{"parameters":{"${name}":1},${ONE}}`),
  ),
  body("a parameter twice", `{"parameters":{"a":1,"a":2},${ONE}}`),
  body("binary_data_output no boolean", `{"parameters":{"binary_data_output":1},${ONE}}`),
  body("members twice", `{${ONE},${ONE}}`),
  body("an unknown member", `{"x":{"y":[1,{"z":null}]},${ONE}}`),
  body("an input twice", `{${ONE.slice(0, -1)},${ONE.slice(ONE.indexOf("{"))}}`),
  body("an output twice", `{${ONE},"outputs":[{"name":"PARAMS"},{"name":"PARAMS"}]}`),
  ...["1", '"true"', "null"].map((value) =>
    body(
      `binary_data ${value}`,
      `{${ONE},"outputs":[{"name":"PARAMS","parameters":{"binary_data":${value}}}]}`,
    )
  ),
  ...[
    '{"shared_memory_region":"r"}',
    '{"shared_memory_region":1}',
    '{"shared_memory_offset":"x"}',
    '{"shared_memory_byte_size":-1,"binary_data":3}',
    '{"classification":"x","binary_data":"y"}',
    '{"classification":"x","shared_memory_region":"r"}',
    '{"binary_data":"x","shared_memory_region":"r"}',
    "1",
    "{}",
    "null",
  ].map((parameters) =>
    body(
      `output parameters ${parameters}`,
      `{${ONE},"outputs":[{"name":"PARAMS","parameters":${parameters}}]}`,
    )
  ),
  ...[
    "INTERNAL",
    "NOT_FOUND",
    "INVALID_ARG",
    "UNAVAILABLE",
    "UNSUPPORTED",
    "ALREADY_EXISTS",
    "CANCELLED",
  ]
    .concat(["UNKNOWN", "RAISE", "EMPTY"]).map((code) =>
      post(
        `the model fails with ${code}`,
        "/v2/models/fail/infer",
        `{"inputs":[{"name":"CODE","datatype":"BYTES","shape":[1],"data":["${code}"]}]}`,
      )
    ),
  ...[["X-Fwd-A", "1"], ["x-fwd-b", "two words"], ["Y-X-Fwd-C", "z"], ["Other", "x"]].map((
    [name, value],
  ) => post(`forwarded header ${name}`, PARAMS, `{${ONE}}`, [[name, value]])),
  post("a forwarded header replaces a parameter", PARAMS, `{"parameters":{"x-fwd-a":1},${ONE}}`, [
    ["x-fwd-a", "header"],
  ]),
];

/** A JSON header with data behind it. */
function binary(
  name: string,
  json: string,
  data: Uint8Array | string,
  { target = FP32, length, headers = [] }: {
    target?: string;
    length?: string;
    headers?: Headers;
  } = {},
): ParityCase {
  const bytes = typeof data === "string" ? utf8(data) : data;
  const lengthHeader = ["Inference-Header-Content-Length", length ?? String(json.length)] as const;
  return post(`binary: ${name}`, target, concat([utf8(json), bytes]), [lengthHeader, ...headers]);
}

function sized(size: string, shape = "[2]", rest = ""): string {
  return `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":${shape},` +
    `"parameters":{"binary_data_size":${size}}}]${rest}}`;
}

const TWO = new Uint8Array(new Float32Array([1, 2.5]).buffer);
const BINARY_OUT = ',"parameters":{"binary_data_output":true}';
const ALL_SIZES: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, FP16: 2, UINT32: 4, INT32: 4, FP32: 4 },
  ...{ UINT64: 8, INT64: 8, FP64: 8 },
};

function addSub(first: string, second: string, outputs: string): string {
  return `{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,4],${first}},` +
    `{"name":"INPUT1","datatype":"INT32","shape":[1,4],${second}}],"outputs":[${outputs}]}`;
}

const FOUR = new Uint8Array(new Int32Array([1, 2, 3, 4]).buffer);
const SIXTEEN = '"parameters":{"binary_data_size":16}';
const DATA = '"data":[10,20,30,40]';

/** Binary data in and out, and header lengths. */
export const BINARY_CASES: readonly ParityCase[] = [
  binary("in", sized("8"), TWO),
  binary("in and out", sized("8", "[2]", BINARY_OUT), TWO),
  binary("too short", sized("8"), TWO.subarray(0, 4)),
  binary("too long", sized("8"), concat([TWO, TWO])),
  binary("none", sized("8"), ""),
  binary("size beside shape", sized("4"), TWO.subarray(0, 4)),
  binary("empty", sized("0", "[0]", BINARY_OUT), ""),
  binary("empty beside shape", sized("0"), ""),
  ...['"8"', "-8", "8.0", "true", "null", "18446744073709551615", "[]"].map((size) =>
    binary(`size ${size}`, sized(size), TWO)
  ),
  ...[
    "0",
    "00",
    "-1",
    "1",
    "5",
    "+97",
    " 97",
    "97 ",
    "97.7",
    "97x",
    "x97",
    "0x61",
    "abc",
    "",
    "1e2",
  ].map(
    (length) => binary(`header length "${length}"`, sized("8").padEnd(97), TWO, { length }),
  ),
  ...["105", "106", "2147483647", "2147483648", "-2147483649", "99999999999999999999"].map((
    length,
  ) => binary(`header length ${length}`, sized("8").padEnd(97), TWO, { length })),
  post("binary: no header length", FP32, concat([utf8(sized("8")), TWO])),
  post("binary: header length twice", FP32, concat([utf8(sized("8")), TWO]), [
    ["Inference-Header-Content-Length", String(sized("8").length)],
    ["Inference-Header-Content-Length", "3"],
  ]),
  ...Object.entries(ALL_SIZES).flatMap(([datatype, size]) => {
    const data = Uint8Array.from(
      { length: size * 3 },
      (_, i) => datatype === "BOOL" ? i & 1 : i * 5,
    );
    const input = `{"inputs":[{"name":"IN_${datatype}","datatype":"${datatype}","shape":[3],` +
      `"parameters":{"binary_data_size":${data.length}}}]`;
    const target = "/v2/models/ident_any/infer";
    const wanted = `"outputs":[{"name":"OUT_${datatype}","parameters":{"binary_data":true}}]`;
    return [
      binary(`${datatype} in and out`, `${input},${wanted}}`, data, { target }),
      binary(`${datatype} out as JSON`, `${input}}`, data, { target }),
    ];
  }),
  ...["\x03\0\0\0a\0b\0\0\0\0", "\x03\0\0\0a\0b", "\x03\0\0\0ab", "\xff\0\0\0a", "\x01\0\0"].map(
    (data) => {
      const bytes = Uint8Array.from(data, (letter) => letter.charCodeAt(0));
      const json = `{"inputs":[{"name":"INPUT0","datatype":"BYTES","shape":[2],` +
        `"parameters":{"binary_data_size":${bytes.length}}}]${BINARY_OUT}}`;
      const target = "/v2/models/identity_bytes/infer";
      return binary(`BYTES ${JSON.stringify(data)}`, json, bytes, { target });
    },
  ),
  ...["true", "false"].flatMap((first) =>
    ["true", "false"].map((second) => {
      const outputs = `{"name":"OUTPUT1","parameters":{"binary_data":${second}}},` +
        `{"name":"OUTPUT0","parameters":{"binary_data":${first}}}`;
      const target = "/v2/models/add_sub/infer";
      return binary(`outputs ${first}, ${second}`, addSub(SIXTEEN, DATA, outputs), FOUR, {
        target,
      });
    })
  ),
  binary("two inputs", addSub(SIXTEEN, SIXTEEN, ""), concat([FOUR, FOUR]), {
    target: "/v2/models/add_sub/versions/3/infer",
  }),
  binary("two inputs, data for one", addSub(SIXTEEN, SIXTEEN, ""), FOUR, {
    target: "/v2/models/add_sub/infer",
  }),
  ...[
    "identity_fp32",
    "identity_fp32_b",
    "identity_fp32_2d",
    "identity_fp16",
    "identity_int64",
    "add_sub",
  ]
    .concat([
      "identity_bytes",
      "identity_bytes1",
      "bf16_pass",
      "ident_any",
      "llm",
      "nope",
      "repeat",
    ])
    .flatMap((model) =>
      [TWO, TWO.subarray(0, 3), TWO.subarray(0, 0)].map((data) =>
        post(`binary: raw, ${data.length} bytes to ${model}`, `/v2/models/${model}/infer`, data, [
          ["Inference-Header-Content-Length", "0"],
        ])
      )
    ),
];

function classes(values: string, count: string, more = "", model = "classify"): ParityCase {
  const shape = model === "classify" ? "[1,4]" : `[${values.split(",").length}]`;
  const input = `{"name":"INPUT0","datatype":"FP32","shape":${shape},"data":[${values}]}`;
  const output = `{"name":"OUTPUT0","parameters":{"classification":${count}${more}}}`;
  const json = `{"inputs":[${input}],"outputs":[${output}]}`;
  return post(
    `${count} classes of ${values}${more} by ${model}`,
    `/v2/models/${model}/infer`,
    json,
  );
}

function classesOf(datatype: string, values: string, count: number): ParityCase {
  const json = `{"inputs":[{"name":"IN_${datatype}","datatype":"${datatype}","shape":[3],` +
    `"data":[${values}]}],` +
    `"outputs":[{"name":"OUT_${datatype}","parameters":{"classification":${count}}}]}`;
  return post(`${count} classes of ${datatype} ${values}`, "/v2/models/ident_any/infer", json);
}

/** Classification. The order of ties among more than sixteen values is unspecified. */
export const CLASS_CASES: readonly ParityCase[] = [
  ...["0", "1", "2", "4", "5", "1000", "4294967297", "-1", "1.0", '"1"', "true", "null", "[]"].map(
    (count) => classes("0.1,0.9,0.3,0.2", count),
  ),
  ...["1,1,1,1", "1,2,2,1", "2,1,1,2", "0,-0.0,0,1", "Inf,-Inf,1e20,1e-9", "3.25,3.3,1e38,-1"].map(
    (values) => classes(values, "4"),
  ),
  classes("1,2,3,4", "2", ',"binary_data":true'),
  classes("1,2,3,4", "2", ',"shared_memory_region":"r"'),
  classes("1,2,2,1,5,5", "6", "", "identity_fp32"),
  classes("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "16", "", "identity_fp32"),
  post(
    "classes of two batch items",
    "/v2/models/classify/infer",
    '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2,4],"data":[1,2,3,4,8,7,6,5]}],' +
      '"outputs":[{"name":"OUTPUT1","parameters":{"classification":3}},{"name":"OUTPUT0"}]}',
  ),
  ...integerTypes().flatMap((datatype) =>
    ["1,2,3", "7,7,7", datatype.startsWith("U") ? "9,200,9" : "-1,0,-1"].map((values) =>
      classesOf(datatype, values, 3)
    )
  ),
  classesOf("FP64", "1e20,1.5,1.5", 3),
  classesOf("FP32", "0.1,0.2,0.2", 2),
  classesOf("BOOL", "true,false,true", 1),
];

function integerTypes(): string[] {
  return [8, 16, 32, 64].flatMap((bits) => [`INT${bits}`, `UINT${bits}`]);
}
