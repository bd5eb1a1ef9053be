/**
 * JSON documents, sent to every endpoint that reads one.
 *
 * @module
 */
import { concat, utf8 } from "../support/wire.ts";
import { type ParityCase, post } from "./parity_case.ts";

/** By endpoint; the model that is loaded does not exist, so that nothing changes. */
const ENDPOINTS = {
  infer: "/v2/models/params/infer",
  generate: "/v2/models/llm/generate",
  load: "/v2/repository/models/nope/load",
  unload: "/v2/repository/models/nope/unload",
  index: "/v2/repository/index",
  logging: "/v2/logging",
  trace: "/v2/trace/setting",
};

const GOOD = [
  ...[
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    '"x"',
    '""',
    " {} ",
    "\t\r\n{}\n",
    "{ }",
  ],
  ...[
    "[ ]",
    "[[]]",
    "[1,2]",
    '{"x":[]}',
    '{"x":{"y":null}}',
    '{"a":1,"a":2}',
    '{"":0}',
    "1.5",
    "-1.5",
  ],
  ...[
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "1.0e05",
    "1e308",
    "-1e308",
    "1e-400",
    "0.0000001",
    "NaN",
  ],
  ...[
    "-NaN",
    "Inf",
    "-Inf",
    "Infinity",
    "-Infinity",
    "18446744073709551615",
    "18446744073709551616",
  ],
  ...[
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    '"\\u0000"',
  ],
  ...['"\\ud83d\\ude00"', '"\\udc00"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9"', '"é"', '"\x7f"'],
  ...[
    "{}\0",
    "{}\0garbage",
    "1\0",
    "[1]\0]",
    '"a"\0x',
    "\ufeff{}",
    "[".repeat(150) + "]".repeat(150),
  ],
];

const BAD = [
  ...[
    "",
    " ",
    "\n\n",
    "\0",
    "\0{}",
    "\ufeff",
    "{",
    "[",
    "}",
    "]",
    " }",
    ",",
    ":",
    "x",
    "nul",
    "nulll",
    "tru",
  ],
  ...[
    "fals",
    "True",
    "None",
    "nan",
    "inf",
    "Infinit",
    "Na",
    "N",
    "I",
    "-",
    "+1",
    "-+1",
    ".5",
    "-.5",
    "1.",
  ],
  ...[
    "1.e5",
    "01",
    "-01",
    "00",
    "0x10",
    "1e",
    "1e+",
    "1ee5",
    "1e309",
    "-1e309",
    "0e999",
    "1e99999999999",
    "1_0",
  ],
  ...[
    "1 2",
    "{} {}",
    "{}x",
    "[]]",
    "null,",
    '"',
    '"a',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u123g"',
    '"\\ud800"',
  ],
  ...[
    '"\\ud800x"',
    '"\\ud800\\u0041"',
    '"\\ud800\\udbff"',
    '"\\ud800\\',
    '"a\nb"',
    '"\t"',
    '"\x1f"',
    "'a'",
  ],
  ...[
    '"a\0b"',
    "{a:1}",
    "{'a':1}",
    '{"a"}',
    '{"a" 1}',
    '{"a":}',
    '{"a":,}',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
  ],
  ...[
    '{"a":1 "b":2}',
    '{"a":1;"b":2}',
    "{,}",
    "{1:2}",
    '{"a":1]',
    '{"a",1}',
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
  ],
  ...[
    "[1 2]",
    "[1;2]",
    "[1}",
    "[1:2]",
    "/*c*/1",
    "//c\n1",
    "1/*c*/",
    "#c\n1",
    "[1,,2]",
    '{"a":1,,"b":2}',
  ],
  ...['{"a":01}', '{"a":1.}', '{"a":nul}', "[tru]", '{"a":"\\q"}', "[1e309]", '{"a":[1,2}', "[{]"],
];

/** Has every kind of token. */
const RICH = utf8(
  '{"a":[1,-2.5e+3,"x\\u00e9\\n\\ud83d\\ude00é",true,false,null,NaN],"b":{"c":{}}}',
);

/** The rich document cut anywhere, and with one byte of it replaced. */
function damaged(): (readonly [string, Uint8Array])[] {
  const cut = Array.from(RICH, (_, at) => [`cut at ${at}`, RICH.slice(0, at)] as const);
  const replaced = ["\0", "\x01", " ", ",", "}", "]", '"', "\\", "0", "-"].flatMap((letter) =>
    Array.from(RICH, (_, at) => {
      const bytes = RICH.slice();
      bytes[at] = letter.charCodeAt(0);
      return [`${JSON.stringify(letter)} at ${at}`, bytes] as const;
    })
  );
  return [...cut, ...replaced];
}

/** Bytes that are no UTF-8. */
const BYTES: readonly (readonly [string, Uint8Array])[] = [
  ["lone continuation", concat([utf8('"'), Uint8Array.of(0x80), utf8('"')])],
  ["overlong", concat([utf8('"'), Uint8Array.of(0xc0, 0x80), utf8('"')])],
  ["half a mark", concat([Uint8Array.of(0xef, 0xbb), utf8("{}")])],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0)],
];

/** Of the malformed ones these are enough for the endpoint that differs. */
const BAD_UNLOADS = ["{", "[", "1 2"];

/** The documents at every endpoint, the damaged ones at one. */
export const JSON_CASES: readonly ParityCase[] = [
  ...Object.entries(ENDPOINTS).flatMap(([name, path]) => [
    ...[...GOOD, ...(name === "unload" ? BAD_UNLOADS : BAD)].map((document) => {
      const short = document.length > 60 ? `${document.slice(0, 20)}...` : document;
      return post(`JSON to ${name}: ${JSON.stringify(short)}`, path, document);
    }),
  ]),
  ...BYTES.flatMap(([kind, bytes]) => [
    post(`JSON to infer: ${kind}`, ENDPOINTS.infer, bytes),
    post(`JSON to trace: ${kind}`, ENDPOINTS.trace, bytes),
  ]),
  ...damaged().map(([how, bytes]) =>
    post(`JSON to logging, damaged: ${how}`, ENDPOINTS.logging, bytes)
  ),
];
