/**
 * Where our answers differ from those of Triton 2.51 on purpose, most of them as in newer servers. What
 * is not listed here must be the same, and what is must be answered as it says.
 *
 * @module
 */
import type { Seen } from "./compare.ts";

/** A known difference of the cases whose names match. */
interface Rule {
  readonly cases: RegExp;
  readonly reason: string;
  /** The fields in which our answer differs; a function of Triton's where they depend on it. */
  readonly ours: Partial<Seen> | ((theirs: Seen) => Partial<Seen>);
}

/** How our answer to a case differs, and why. */
export interface Deviation {
  readonly reason: string;
  readonly ours: Partial<Seen>;
}

/** The deviation of the case of that name; undefined when it has none. */
export function deviationOf(name: string, theirs: Seen): Deviation | undefined {
  const rules = RULES.filter(({ cases }) => cases.test(name));
  if (rules.length === 0) return undefined;
  const ours = rules.map((rule) => typeof rule.ours === "function" ? rule.ours(theirs) : rule.ours);
  return { reason: rules.map((rule) => rule.reason).join("; "), ours: Object.assign({}, ...ours) };
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

function status(code: number): Partial<Seen> {
  return { status: code, reason: REASONS[code] };
}

function error(code: number, message: string, contentType = "application/json"): Partial<Seen> {
  return { ...status(code), contentType, body: `{"error":${JSON.stringify(message)}}` };
}

/** A successful answer where Triton closes the connection without one. */
function success(body: string): Seen {
  const contentType = "application/json";
  return { outcome: "answer", interim: "", ...status(200), contentType, framing: "length", body };
}

const NOTHING = {
  ...{ interim: undefined, status: undefined, reason: undefined, contentType: undefined },
  ...{ framing: undefined, body: undefined },
};
const IDENTITY = '{"model_name":"identity_fp32","model_version":"1","outputs":' +
  '[{"name":"OUTPUT0","datatype":"FP32","shape":[2],"data":[1.0,2.5]}]}';
const RANGE = "Unable to parse Inference-Header-Content-Length, value is out of range " +
  "[ -2147483648, 2147483647 ], got: ";
const CORRUPT = "failed to decompress the request body: ";

const RULES: readonly Rule[] = [
  // Newer servers.
  {
    cases: /^POST \/v2\/(system|cuda)sharedmemory.*\/(un)?register$/,
    reason: "client shared memory is off, as it is by default since 2.68",
    ours: error(
      501,
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
    ),
  },
  {
    cases: /^JSON to (infer|generate|load|index|logging|trace): "( ?[}\]]|[,:])"$/,
    reason: "newer servers parse iteratively and take a stray delimiter for an empty document",
    ours: ({ body }) => ({ body: body?.replace("Invalid value.", "The document is empty.") }),
  },
  {
    cases: /^JSON to logging, damaged: "[,}\]]" at 0$/,
    reason: "newer servers parse iteratively and take a stray delimiter for an empty document",
    ours: ({ body }) => ({ body: body?.replace("Invalid value.", "The document is empty.") }),
  },
  {
    cases: /^((U?INT|FP)[0-9]+|BOOL): \[\]$|^FP32: too few numbers$/,
    reason: "newer servers have another text for too few elements",
    ours: error(500, "Failed to parse 'data' field: shape does not match true shape"),
  },
  {
    cases: /^FP32: 100 levels$/,
    reason: "newer servers limit nesting",
    ours: error(
      400,
      "Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit (100)",
    ),
  },
  {
    cases: /^an output twice$/,
    reason: "newer servers refuse it",
    ours: error(400, "[request id: <id_unknown>] output 'PARAMS' already exists in request"),
  },
  ...["x97", "abc", ""].map((length): Rule => ({
    cases: new RegExp(`^binary: header length "${length}"$`),
    reason: "newer servers refuse a header length that is no number",
    ours: error(
      400,
      `Unable to parse Inference-Header-Content-Length, got: ${length}`,
      "text/plain",
    ),
  })),
  ...["2147483648", "-2147483649", "99999999999999999999"].map((length): Rule => ({
    cases: new RegExp(`^binary: header length ${length}$`),
    reason: "newer servers say that it is out of range",
    ours: error(400, RANGE + length, "text/plain"),
  })),
  {
    cases: /^repository: index \{"ready":(null|"x"|1)\}$/,
    reason: "newer servers call it an invalid argument",
    ours: error(400, "Invalid value for 'ready': expected a boolean"),
  },

  // Better on purpose.
  {
    cases: /^generate by fail: \{"CODE":"(INTERNAL|NOT_FOUND|UNAVAILABLE)"\}$/,
    reason: "a failed generate has the status of its error",
    ours: ({ body = "" }) => ({
      ...status(body.includes("INTERNAL") ? 500 : body.includes("NOT_FOUND") ? 404 : 503),
      framing: "length",
    }),
  },
  {
    cases: /^generate by fail: \{"CODE":"INVALID_ARG"\}$/,
    reason: "a failed generate is known as a whole",
    ours: { framing: "length" },
  },
  {
    cases: /^generate by llm: .*"fail_last":true/,
    reason: "a failed generate has the status of its error",
    ours: { ...status(500), framing: "length" },
  },
  {
    cases: /^generate by llm_dec: .*"n":[023]|^generate by repeat: \{"IN":\[(1,2,3)?\]\}$/,
    reason: "generate on a model that makes other than one response fails",
    ours: { ...status(500), framing: "length" },
  },
  {
    cases: /^generate by llm_dec: .*"fail_last":true/,
    reason: "generate on a model that makes a response and an error answers the error",
    ours: { ...error(500, "last one failed"), framing: "length" },
  },
  ...Object.entries({
    "{": "Missing a name for object member. at 1",
    "[": "Invalid value. at 1",
    "1 2": "The document root must not be followed by other values. at 2",
  }).map(([document, fault]): Rule => ({
    cases: new RegExp(`^JSON to unload: "${RegExp.escape(document)}"$`),
    reason: "a malformed body unloads nothing; Triton drops the error and unloads",
    ours: error(500, `failed to parse the request JSON buffer: ${fault}`),
  })),
  {
    cases: /^compressed: (gzip|deflate), garbage$|^compressed: raw deflate$/,
    reason: "a body that is not what it is marked as is refused",
    ours: error(400, `${CORRUPT}incorrect header check`, "text/plain"),
  },
  {
    cases: /^compressed: (gzip|deflate), cut short$/,
    reason: "a body that is cut short is refused",
    ours: error(400, `${CORRUPT}unexpected end of file`, "text/plain"),
  },
  {
    cases: /^compressed: gzip, garbage behind$/,
    reason: "garbage behind a compressed body is refused",
    ours: error(400, `${CORRUPT}incorrect header check`, "text/plain"),
  },
  {
    cases: /^compressed: two gzip members$/,
    reason: "all members of a gzip body count, as its standard says",
    ours: error(
      500,
      "failed to parse the request JSON buffer: The document root must not be followed by other " +
        "values. at 75",
    ),
  },
  {
    cases: /^(blanks around a value|chunks with extensions)$/,
    reason: "what HTTP allows is understood; Triton closes the connection",
    ours: success(IDENTITY),
  },
  {
    cases: /^Transfer-Encoding: CHUNKED$/,
    reason: "what HTTP allows is understood; Triton takes the body for empty",
    ours: { body: IDENTITY },
  },
  {
    cases: /^HTTP\/1\.0, a stream$/,
    reason: "HTTP/1.0 has no chunks; the end of the connection ends the stream",
    ours: { framing: "close" },
  },
  {
    cases: /^the sending direction is closed behind an inference$/,
    reason: "a client that closes its sending direction is taken as gone; Triton does not look",
    ours: { ...NOTHING, outcome: "closed" },
  },
  {
    cases: /^HEAD /,
    reason: "answers to HEAD have no body",
    ours: { behind: 0 },
  },

  // Numbers.
  {
    cases: /^FP64: 123456789012345680000$/,
    reason:
      "decimal literals are rounded correctly; rapidjson is off by one unit in the last place",
    ours: ({ body }) => ({ body: body?.replace(/\[[0-9.]+\]\}/, "[123456789012345680000.0]}") }),
  },
  ...Object.entries({ "inf,deflate;q=2": "deflate", "0x1": undefined }).map((
    [qualities, contentEncoding],
  ): Rule => ({
    cases: new RegExp(`^accepts "gzip;q=${qualities}"$`),
    reason: "qualities are decimal numbers; Triton also reads C's other spellings",
    ours: { contentEncoding },
  })),
];
