/**
 * Requests made wrong: what may come from a network, and what an attacker may send.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import type { Random } from "./random.ts";
import { concat, type ExchangeOptions, request, utf8 } from "./wire.ts";

/** A valid request to start from. */
export interface Seed {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** What to send, and how. */
export interface Mutant {
  readonly parts: readonly Uint8Array[];
  readonly options?: ExchangeOptions;
}

/** Makes a request wrong in one way. */
export type Mutation = (seed: Seed, random: Random) => Mutant;

function whole({ method, target, headers, body }: Seed): Uint8Array<ArrayBuffer> {
  return request({ method, target, headers, body: body.length > 0 ? body : undefined });
}

function one(bytes: Uint8Array, options?: ExchangeOptions): Mutant {
  return { parts: [bytes], options };
}

/** The seed with other headers, besides those that frame its body. */
function withHeaders(seed: Seed, ...headers: readonly (readonly [string, string])[]): Mutant {
  return one(whole({ ...seed, headers: [...seed.headers, ...headers] }));
}

/** The seed with a head line in front of the others, to the byte. */
function withLine(seed: Seed, line: Uint8Array | string): Mutant {
  const bytes = whole(seed);
  const end = bytes.indexOf(10) + 1;
  const inserted = typeof line === "string" ? utf8(line) : line;
  return one(concat([bytes.subarray(0, end), inserted, utf8("\r\n"), bytes.subarray(end)]));
}

function flipped(bytes: Uint8Array, from: number, to: number, random: Random): Uint8Array {
  const copy = bytes.slice();
  for (let count = 1 + random.below(6); count > 0 && to > from; count--) {
    copy[from + random.below(to - from)] ^= 1 << random.below(8);
  }
  return copy;
}

function bodyStart(bytes: Uint8Array): number {
  const empty = [13, 10, 13, 10];
  return bytes.findIndex((_, at) => empty.every((byte, i) => bytes[at + i] === byte)) + 4;
}

/** A seed as a POST with a body, as some faults need one. */
function posted(seed: Seed): Seed {
  return seed.body.length > 0 ? seed : { ...seed, method: "POST", body: utf8("{}") };
}

function chunked(seed: Seed, chunks: readonly (string | Uint8Array)[]): Mutant {
  const { target, headers } = posted(seed);
  const head = request({
    method: "POST",
    target,
    headers: [...headers, ["Transfer-Encoding", "chunked"]],
  });
  return one(
    concat([head, ...chunks.map((chunk) => typeof chunk === "string" ? utf8(chunk) : chunk)]),
  );
}

function chunk(bytes: Uint8Array, extension = ""): Uint8Array {
  return concat([utf8(`${bytes.length.toString(16)}${extension}\r\n`), bytes, utf8("\r\n")]);
}

function sized(seed: Seed, ...lengths: readonly string[]): Mutant {
  const { target, headers, body } = posted(seed);
  const sizes = lengths.map((length) => ["Content-Length", length] as const);
  return one(request({ method: "POST", target, headers: [...headers, ...sizes], body }));
}

function replacedInBody(seed: Seed, pattern: RegExp, replacement: string): Seed {
  const text = new TextDecoder("latin1").decode(seed.body).replace(pattern, replacement);
  return { ...seed, body: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) };
}

const HUGE = [
  ...[
    "18446744073709551616",
    "9223372036854775808",
    "4294967296",
    "2147483648",
    "-1",
    "1e308",
    "1e309",
  ],
  ...["9".repeat(400), `0.${"1".repeat(2000)}`, "1e-99999", "NaN", "-Infinity", "0".repeat(100)],
];
const LENGTHS = ["-1", "+5", "0x10", "1e3", "", "abc", "99999999999999999999", "5 5", "5,5", "0"];
const CHUNK_SIZES = [
  ...[
    "zz",
    "-5",
    "",
    " 5",
    "5 ",
    "0x5",
    "ffffffff",
    "ffffffffffffffff",
    "1".repeat(400),
    "5;",
    '5;a="b\r\n',
  ],
];
const LINES = [
  ...[
    "no colon",
    ": no name",
    "a b: c",
    "X:",
    "X\0: y",
    "X: y\0z",
    " folded: x",
    "\tX: y",
    "Xé: y",
    "X : y",
  ],
  ...[
    "X: a\r\n b",
    "X: a\nY: b",
    "X: a\rY: b",
    "Host: again",
    "X: \x7f\x1b[2J",
    "Content-Length: 5 ",
    "\x01: x",
  ],
  ...[
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: \x0bchunked",
  ],
  ...[
    "Connection: upgrade\r\nUpgrade: websocket",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
  ],
  ...[
    "Expect: 100-continue",
    "Expect: something",
    "Content-Encoding: gzip",
    "Content-Encoding: deflate",
  ],
];
const GREETINGS = [
  ...[
    "\r\n\r\n\r\n",
    "\n",
    "\0".repeat(100),
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET\r\n\r\n",
    "GET /v2\r\n\r\n",
  ],
  ...[
    "GET /v2 HTTP/3.0\r\n\r\n",
    "GET /v2 HTTP/1.1",
    "GET  /v2  HTTP/1.1\r\n\r\n",
    "GET /v2 HTTP/1.1\n\n",
  ],
  ...[
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "get /v2 http/1.1\r\n\r\n",
    `${"A".repeat(70_000)}`,
  ],
];

let bomb: Uint8Array | undefined;

/** A gibibyte of zeros in a megabyte: sixteen members of a gzip body, which count as one. */
function gzipBomb(): Uint8Array {
  if (bomb === undefined) {
    const part = gzipSync(new Uint8Array(64 << 20), { level: 1 });
    bomb = concat(Array.from({ length: 16 }, () => part));
  }
  return bomb;
}

/** All mutations, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "bits of the head": (seed, random) => {
    const bytes = whole(seed);
    return one(flipped(bytes, 0, bodyStart(bytes), random));
  },
  "bits of the body": (seed, random) => {
    const bytes = whole(posted(seed));
    return one(flipped(bytes, bodyStart(bytes), bytes.length, random));
  },
  "cut short and closed": (seed, random) => {
    const bytes = whole(seed);
    return one(bytes.subarray(0, random.below(bytes.length)), { closeAtOnce: true });
  },
  "cut short and half closed": (seed, random) => {
    const bytes = whole(seed);
    return one(bytes.subarray(0, random.below(bytes.length)), { halfClose: true });
  },
  "deep nesting": (seed, random) => {
    const [open, close] = random.of([["[", "]"], ['{"a":', "}"], ['{"inputs":[', "]}"]]);
    const depth = random.of([50, 500, 5000, 50_000]);
    const text = open.repeat(depth) +
      random.of(["", "1", close.repeat(depth), `1${close.repeat(depth)}`]);
    return one(whole({ ...seed, method: "POST", body: utf8(text) }));
  },
  "deep nesting in data": (seed, random) => {
    const depth = random.of([98, 99, 100, 5000]);
    const data = `"data":${"[".repeat(depth)}1${"]".repeat(depth)}`;
    return one(whole(replacedInBody(seed, /"data":\[[^\]]*\]/, data)));
  },
  "huge numbers": (seed, random) => {
    const [number, at] = [random.of(HUGE), random.below(6)];
    let seen = 0;
    const text = new TextDecoder("latin1").decode(seed.body)
      .replaceAll(/[0-9]+/g, (digits) => seen++ === at ? number : digits);
    return one(whole({ ...seed, body: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) }));
  },
  "wrong length": (seed, random) => {
    const { length } = posted(seed).body;
    const delta = random.of([-length, -1, 1, 1000, 2 ** 31, 2 ** 40]);
    return sized(seed, String(length + delta));
  },
  "bad length": (seed, random) => sized(seed, random.of(LENGTHS)),
  "two lengths": (seed, random) => {
    const { length } = posted(seed).body;
    return sized(seed, String(length), String(length + random.of([0, 1, -1])));
  },
  "wrong header length": (seed, random) => {
    const length = random.of([...LENGTHS, ...HUGE, String(random.below(seed.body.length + 5))]);
    return withHeaders(posted(seed), ["Inference-Header-Content-Length", length]);
  },
  "wrong binary size": (seed, random) => {
    const size = random.of([
      "0",
      "1",
      "7",
      "9",
      "1000000",
      "4294967304",
      "18446744073709551615",
      "-8",
    ]);
    return one(
      whole(
        replacedInBody(
          seed,
          /"binary_data_size":[0-9]+|"data":\[[^\]]*\]/,
          `"binary_data_size":${size}`,
        ),
      ),
    );
  },
  "bad chunk size": (seed, random) =>
    chunked(seed, [`${random.of(CHUNK_SIZES)}\r\n`, posted(seed).body, "\r\n0\r\n\r\n"]),
  "chunk extensions and trailers": (seed, random) =>
    chunked(seed, [
      chunk(posted(seed).body, random.of([";", ";a", ';a="b;c"', `;${"x".repeat(5000)}`, ";\0"])),
      "0\r\n",
      random.of([
        "X: y\r\n",
        "Content-Length: 5\r\n",
        "no colon\r\n",
        `X: ${"y".repeat(9000)}\r\n`,
      ]),
      "\r\n",
    ]),
  "no last chunk": (seed) => chunked(seed, [chunk(posted(seed).body)]),
  "chunk longer than its size": (seed) =>
    chunked(seed, ["1\r\n", posted(seed).body, "\r\n0\r\n\r\n"]),
  "many tiny chunks": (seed) => {
    const { body } = posted(seed);
    const blanks = Array.from({ length: 2000 }, () => "1\r\n \r\n");
    return chunked(seed, [
      ...blanks,
      ...Array.from(body, (byte) => chunk(Uint8Array.of(byte))),
      "0\r\n\r\n",
    ]);
  },
  "more chunks than allowed": (seed) => chunked(seed, ["1\r\n \r\n".repeat(66_000), "0\r\n\r\n"]),
  "length and chunks": (seed, random) => {
    const { target, headers, body } = posted(seed);
    const length = ["Content-Length", String(random.of([0, 5, body.length]))] as const;
    const coding = [
      "Transfer-Encoding",
      random.of(["chunked", "Chunked", "chunked, chunked"]),
    ] as const;
    const both = random.below(2) === 0 ? [length, coding] : [coding, length];
    const bytes = concat([chunk(body), utf8("0\r\n\r\n")]);
    return one(request({ method: "POST", target, headers: [...headers, ...both], body: bytes }));
  },
  "odd header lines": (seed, random) => withLine(seed, random.of(LINES)),
  "random header bytes": (seed, random) => withLine(seed, random.bytes(1 + random.below(60))),
  "long header": (seed, random) =>
    withLine(seed, `X: ${"v".repeat(random.of([8185, 8191, 8192, 16_384, 102_400, 1 << 20]))}`),
  "long header name": (seed, random) =>
    withLine(seed, `${"N".repeat(random.of([8192, 102_400]))}: v`),
  "a thousand headers": (seed, random) =>
    withLine(
      seed,
      Array.from({ length: random.of([1000, 5000]) }, (_, i) => `X-${i}: ${i}`).join("\r\n"),
    ),
  "long path": (seed, random) => {
    const target = seed.target + "/x".repeat(random.of([4000, 5000, 50_000]));
    return one(whole({ ...seed, target }));
  },
  "bytes of the path": (seed, random) => {
    const bytes = Array.from(random.bytes(8), (byte) => String.fromCharCode(byte)).join("");
    return one(whole({ ...seed, target: seed.target + bytes }));
  },
  "garbage behind": (seed, random) =>
    one(
      concat([
        whole(seed),
        random.of([random.bytes(200), utf8("\r\n\r\n"), utf8("GET / HTTP/9\r\n\r\n")]),
      ]),
    ),
  "requests behind": (seed, random) =>
    one(concat(Array.from({ length: 2 + random.below(20) }, () => whole(seed)))),
  "compressed garbage": (seed, random) => {
    const packed = gzipSync(posted(seed).body);
    const body = random.of([
      random.bytes(100),
      packed.subarray(0, 15),
      flipped(packed, 2, packed.length, random),
    ]);
    const headers = [
      ...seed.headers,
      ["Content-Encoding", random.of(["gzip", "deflate"])] as const,
    ];
    return one(whole({ ...seed, method: "POST", headers, body }));
  },
  "no HTTP": (_, random) => {
    const bytes = Uint8Array.from(random.of(GREETINGS), (letter) => letter.charCodeAt(0));
    return one(random.below(3) === 0 ? random.bytes(300) : bytes);
  },
  "byte by byte": (seed) => ({ ...one(whole(seed)), options: { dribble: true } }),
  "in two parts": (seed, random) => {
    const bytes = whole(seed);
    const at = random.below(bytes.length);
    return { parts: [bytes.subarray(0, at), bytes.subarray(at)] };
  },
};

/** A compressed body that would fill the memory, which is too dear to be one mutation among others. */
export function gzipBombed(): Mutant {
  const headers = [["Content-Encoding", "gzip"]] as const;
  const target = "/v2/models/identity_fp32/infer";
  return one(request({ method: "POST", target, headers, body: gzipBomb() }));
}
