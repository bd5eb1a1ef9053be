/**
 * Tensor data as JSON, data type by data type.
 *
 * @module
 */
import { type ParityCase, post } from "./parity_case.ts";

const INTEGERS = [
  ...["0", "1", "-0", "-1", "127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32769"],
  ...["65535", "65536", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296"],
  ...["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"],
  ...["18446744073709551615", "18446744073709551616", "1.0", "1e3", "1.5"],
];
const FLOATS = [
  ...[
    "0",
    "-0",
    "-0.0",
    "1",
    "0.1",
    "-0.1",
    "1e39",
    "-1e39",
    "1e-46",
    "3.4028235e38",
    "3.4028236e38",
  ],
  ...[
    "16777217",
    "1.17549435e-38",
    "1e308",
    "5e-324",
    "1e-400",
    "NaN",
    "-NaN",
    "Inf",
    "-Inf",
    "Infinity",
  ],
  ...["0.3", "1e21", "1e20", "1e-6", "1e-7", "123456789012345680000", "18446744073709551615"],
  ...["-9223372036854775808", "0.000001", "100", "1e100", "2.5", "1234567.5"],
];
const ODD = ["true", "null", '"1"', "{}", "[]", "[1]", "[[1]]"];
const TEXTS = [
  ...[
    '""',
    '"a"',
    '"é"',
    '"\\u0000"',
    '"a\\nb"',
    '"\\u001f"',
    '"\\ud83d\\ude00"',
    '"\\udc00"',
    '"/\x7f"',
  ],
  ...["1", "null", "true", "[]", '["a"]', '[["a"]]', "{}"],
];

const SIGNED = ["INT8", "INT16", "INT32", "INT64"];
const UNSIGNED = ["UINT8", "UINT16", "UINT32", "UINT64"];

function identity(datatype: string, shape: string, data: string): string {
  return `{"inputs":[{"name":"IN_${datatype}","datatype":"${datatype}","shape":${shape},"data":${data}}],` +
    `"outputs":[{"name":"OUT_${datatype}"}]}`;
}

function one(datatype: string, element: string): ParityCase {
  const body = identity(datatype, "[1]", `[${element}]`);
  return post(`${datatype}: ${element}`, "/v2/models/ident_any/infer", body);
}

/** `data` as it stands, with its shape. */
const LAYOUTS: readonly (readonly [string, string])[] = [
  ["[2]", "[1,2]"],
  ["[2]", "[[1],[2]]"],
  ["[2]", "[1,[2]]"],
  ["[2]", "[[[1,2]]]"],
  ["[4]", "[[1,2],[3,4]]"],
  ["[4]", "[[1,[2]],[[[3]]],4]"],
  ["[2]", "[[],1,[],2,[[]]]"],
  ["[2]", "[1,2,3]"],
  ["[2]", "[[1,2],[3]]"],
  ["[2]", "1"],
  ["[2]", "{}"],
  ["[2]", "null"],
  ["[2]", '"12"'],
  ["[2]", "[1,{}]"],
  ["[2]", "[1,null]"],
  ["[0]", "[]"],
  ["[0]", "[1]"],
  ["[0]", "7"],
  ["[]", "[1]"],
  ["[]", "[]"],
  ["[2.0]", "[1,2]"],
  ['["2"]', "[1,2]"],
  ["2", "[1,2]"],
  ["{}", "[1,2]"],
  ["null", "[1,2]"],
  ["[-1]", "[1]"],
  ["[1,2]", "[1,2]"],
  ["[2,1]", "[1,2]"],
  ["[true]", "[1]"],
  ["[[2]]", "[1,2]"],
  ["[1]", `${"[".repeat(99)}1${"]".repeat(99)}`],
];

/** All data types, with values of their own and foreign ones, and how data is laid out. */
export const TENSOR_CASES: readonly ParityCase[] = [
  ...[...SIGNED, ...UNSIGNED].flatMap((datatype) =>
    [...INTEGERS, ...ODD].map((element) => one(datatype, element))
  ),
  ...["FP32", "FP64"].flatMap((datatype) =>
    [...FLOATS, ...ODD].map((element) => one(datatype, element))
  ),
  ...["true", "false", "0", "1", "null", '"true"', "[true]", "[]", "{}"].map((x) => one("BOOL", x)),
  ...TEXTS.map((element) => one("BYTES", element)),
  ...["FP16"].flatMap((datatype) => ["1", "0.5", "null"].map((element) => one(datatype, element))),
  ...["FP32", "INT32", "BYTES"].flatMap((datatype) =>
    LAYOUTS.map(([shape, data]) =>
      post(
        `${datatype} of shape ${shape}: ${data.length > 60 ? "99 levels" : data}`,
        "/v2/models/ident_any/infer",
        identity(datatype, shape, data),
      )
    )
  ),
  post(
    "BYTES: too few texts",
    "/v2/models/ident_any/infer",
    identity("BYTES", "[2]", '["a"]'),
  ),
  post(
    "BYTES: texts in lists",
    "/v2/models/ident_any/infer",
    identity("BYTES", "[2]", '[["a"],["b"]]'),
  ),
  post("FP32: too few numbers", "/v2/models/ident_any/infer", identity("FP32", "[3]", "[1,[2]]")),
  post(
    "FP32: 100 levels",
    "/v2/models/ident_any/infer",
    identity("FP32", "[1]", `${"[".repeat(100)}1${"]".repeat(100)}`),
  ),
  ...["fp32", "FLOAT", "", "STRING", "INT", "BF16"].map((datatype) =>
    post(
      `data type ${JSON.stringify(datatype)}`,
      "/v2/models/identity_fp32/infer",
      `{"inputs":[{"name":"INPUT0","datatype":"${datatype}","shape":[1],"data":[1]}]}`,
    )
  ),
];
