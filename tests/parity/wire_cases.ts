/**
 * What lies around a request: versions of HTTP, connections, chunks, lengths, blanks.
 *
 * @module
 */
import { type ParityCase, wire } from "./parity_case.ts";

const BODY = '{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[2],"data":[1,2.5]}]}';
const INFER = "POST /v2/models/identity_fp32/infer HTTP/1.1\r\nHost: a\r\n";
const STREAM = '{"text_input":"x","n":2}';
/** So slow that the end of the sending direction is seen first. */
const SLOW = '{"inputs":[{"name":"SECONDS","datatype":"FP32","shape":[1,1],"data":[0.5]}]}';
const CHUNKED = `${INFER}Transfer-Encoding: chunked\r\n`;

function chunks(...sizes: number[]): string {
  let at = 0;
  const parts = sizes.map((size) => {
    const part = BODY.slice(at, at += size);
    return `${part.length.toString(16)}\r\n${part}\r\n`;
  });
  if (at < BODY.length) parts.push(`${(BODY.length - at).toString(16)}\r\n${BODY.slice(at)}\r\n`);
  return parts.join("");
}

function closing(name: string, text: string): ParityCase {
  return wire(name, text, { untilClose: true, limitMs: 3000 });
}

/** Ways to write a request. */
export const WIRE_CASES: readonly ParityCase[] = [
  wire("no Host", "GET /v2 HTTP/1.1\r\n\r\n"),
  wire(
    "no Host, with a body",
    `${INFER.replace("Host: a\r\n", "")}Content-Length: 75\r\n\r\n${BODY}`,
  ),
  wire("an empty Host", "GET /v2 HTTP/1.1\r\nHost:\r\n\r\n"),
  wire("names in any case", `${INFER}cOnTeNt-LeNgTh: 75\r\n\r\n${BODY}`),
  wire("no blank behind the colon", `${INFER}Content-Length:75\r\n\r\n${BODY}`),
  wire("blanks around a value", `${INFER}Content-Length: \t 75\r\n\r\n${BODY}`),
  closing("Connection: close", "GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  closing(
    "Connection: close, empty answer",
    "GET /v2/health/live HTTP/1.1\r\nConnection: close\r\nHost: a\r\n\r\n",
  ),
  closing("Connection: close, an error", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  closing(
    "Connection: close, a stream",
    `POST /v2/models/llm_dec/generate_stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n` +
      `Content-Length: ${STREAM.length}\r\n\r\n${STREAM}`,
  ),
  closing("HTTP/1.0", "GET /v2 HTTP/1.0\r\n\r\n"),
  closing("HTTP/1.0, empty answer", "GET /v2/health/live HTTP/1.0\r\n\r\n"),
  closing("HTTP/1.0, an error", "GET /x HTTP/1.0\r\n\r\n"),
  closing(
    "HTTP/1.0 with a body",
    `${INFER.replace("1.1", "1.0")}Content-Length: 75\r\n\r\n${BODY}`,
  ),
  wire("HTTP/1.0 kept alive", "GET /v2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
  closing(
    "HTTP/1.0, a stream",
    `POST /v2/models/llm_dec/generate_stream HTTP/1.0\r\nContent-Length: ${STREAM.length}\r\n\r\n${STREAM}`,
  ),
  wire("Expect: 100-continue", [
    `${INFER}Expect: 100-continue\r\nContent-Length: 75\r\n\r\n`,
    BODY,
  ]),
  wire("Expect: 100-continue, chunked", [
    `${CHUNKED}Expect: 100-continue\r\n\r\n`,
    `${chunks(20)}0\r\n\r\n`,
  ]),
  wire(
    "the sending direction is closed behind an inference",
    `POST /v2/models/slow/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${SLOW.length}\r\n\r\n${SLOW}`,
    { halfClose: true },
  ),
  wire("the sending direction is closed behind a GET", "GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n", {
    halfClose: true,
  }),
  wire("a body that comes late", [`${INFER}Content-Length: 75\r\n\r\n`, BODY]),
  wire("a head in two parts", ["GET /v2 HTTP/1.1\r\nHo", "st: a\r\n\r\n"]),
  wire("chunks", `${CHUNKED}\r\n${chunks(20, 30)}0\r\n\r\n`),
  wire("one chunk", `${CHUNKED}\r\n${chunks()}0\r\n\r\n`),
  wire("a chunk a byte", `${CHUNKED}\r\n${chunks(...Array<number>(75).fill(1))}0\r\n\r\n`),
  wire("chunks with extensions", `${CHUNKED}\r\n4b;a=b;c\r\n${BODY}\r\n0;x\r\n\r\n`),
  wire("chunk sizes with zeros", `${CHUNKED}\r\n0004b\r\n${BODY}\r\n00\r\n\r\n`),
  wire("chunk sizes in capitals", `${CHUNKED}\r\n4B\r\n${BODY}\r\n0\r\n\r\n`),
  wire("chunks that come late", [
    `${CHUNKED}\r\n${chunks().slice(0, 40)}`,
    `${chunks().slice(40)}0\r\n\r\n`,
  ]),
  wire("chunks beside a length", `${CHUNKED}Content-Length: 75\r\n\r\n${chunks()}0\r\n\r\n`),
  wire("no chunks", `${CHUNKED}\r\n0\r\n\r\n`),
  wire(
    "Transfer-Encoding: CHUNKED",
    `${CHUNKED.replace("chunked", "CHUNKED")}\r\n${chunks()}0\r\n\r\n`,
  ),
  wire("chunked GET", "GET /v2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
  wire("GET with a body", "GET /v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
  wire("POST without a length", "POST /v2/repository/index HTTP/1.1\r\nHost: a\r\n\r\n"),
  wire("infer without a length", `${INFER}\r\n`),
  wire(
    "a wrong Content-Type",
    `${INFER}Content-Type: text/html\r\nContent-Length: 75\r\n\r\n${BODY}`,
  ),
  wire("lengths with zeros", `${INFER}Content-Length: 00075\r\n\r\n${BODY}`),
  wire("a header of 8000 bytes", `GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(8000)}\r\n\r\n`),
  wire("a path of 4000 bytes", `GET /v2/models/${"x".repeat(4000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  wire(
    "100 headers",
    `GET /v2 HTTP/1.1\r\nHost: a\r\n${
      Array.from({ length: 100 }, (_, i) => `X-${i}: ${i}\r\n`).join("")
    }\r\n`,
  ),
];
