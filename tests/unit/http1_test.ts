/** The HTTP/1.x server over real sockets, with a handler that tells what it was asked. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { HttpReply, HttpRequest } from "../../src/http1/message.ts";
import { KServeHttp } from "../../src/http/kserve_http.ts";
import { Http1Server } from "../../src/http1/server.ts";
import { ECHO, FakeEngine } from "../support/fake_engine.ts";

const encoder = new TextEncoder();
const CUT: HttpReply = { status: 503, fields: [], body: encoder.encode("cut") };
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const text = (body: string): HttpReply => ({
  status: 200,
  fields: [["Content-Type", "text/plain"]],
  body: encoder.encode(body),
});

/** Answers with the method, the path and the length of the body, except on some paths. */
function tell(request: HttpRequest): HttpReply | Promise<HttpReply> {
  const { method, path } = request;
  if (path === "/nobody") return text("no");
  if (path === "/gone") {
    return new Promise((resolve) => request.onGone(() => resolve(text("gone"))));
  }
  if (path === "/stream") {
    const body: HttpReply["body"] = (sink) => {
      for (const part of ["one", "", "two"]) sink.write(encoder.encode(part));
      sink.end();
    };
    return { status: 200, fields: [], body };
  }
  const answer = (body: Uint8Array) => {
    const sum = body.reduce((total, byte) => (total + byte) % 65521, 0);
    return text(`${method} ${path} ${body.length} ${sum}`);
  };
  if (path === "/later") return sleep(20).then(() => request.body()).then(answer);
  if (path === "/small") return answer(request.smallBody ?? encoder.encode("not small"));
  const body = request.body();
  return body instanceof Promise ? body.then(answer) : answer(body);
}

interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  readonly closed: Promise<void>;
}

function client(port: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let received = "";
    const closed = new Promise<void>((done) => {
      socket.on("end", () => socket.end());
      socket.on("close", () => done());
    });
    socket.on("data", (data) => received += new TextDecoder().decode(data as Uint8Array));
    socket.on("error", reject);
    socket.on("connect", () => resolve({ socket, closed, received: () => received }));
  });
}

/** What the server answers to `parts`, sent one after the other, until it closes or `count` answers came. */
async function answers(
  parts: readonly (string | Uint8Array)[],
  count = Infinity,
): Promise<string> {
  const server = await serve();
  const { socket, received, closed } = await client(server.port);
  for (const part of parts) {
    socket.write(part);
    if (parts.length > 1) await sleep(2);
  }
  const enough = async () => {
    while (received().split("HTTP/1.1 ").length - 1 < count) await sleep(2);
    await sleep(10);
  };
  await Promise.race([closed, enough()]);
  socket.destroy();
  await server.stop(0);
  return received();
}

const serve = () => Http1Server.listen({ hostname: "127.0.0.1", port: 0 }, tell, CUT);

const GET = "GET /a HTTP/1.1\r\n\r\n";
const close = (head: string, body = "") => `${head}\r\nConnection: close\r\n\r\n${body}`;
const reply = (body: string, connection = "") =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${connection}Content-Length: ${body.length}\r\n\r\n${body}`;
const closing = (body: string) => reply(body, "Connection: close\r\n");

test("a reply has the fields of the handler and nothing else", async () => {
  assert.equal(await answers([GET], 1), reply("GET /a 0 0"));
});

test("the path is the target as it came, without the query", async () => {
  const paths: [string, string][] = [
    ["/v2/../x?y=1", "/v2/../x"],
    ["//a%20b", "//a%20b"],
    ["/a#b", "/a#b"],
    ["http://host:1/a?b", "/a"],
    ["http://host", "/"],
    ["*", "*"],
    ["/é", "/é"],
  ];
  for (const [target, path] of paths) {
    const body = `FOO ${path} 0 0`;
    const expected = closing(body).replace(/Length: \d+/, `Length: ${encoder.encode(body).length}`);
    assert.equal(await answers([close(`FOO ${target} HTTP/1.1`)]), expected, target);
  }
});

test("requests sent together are answered one after the other", async () => {
  const together = GET + "POST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\n\x01\x02" +
    close("GET /c HTTP/1.1");
  const expected = reply("GET /a 0 0") + reply("POST /b 2 3") + closing("GET /c 0 0");
  assert.equal(await answers([together]), expected);
  assert.equal(await answers([...together]), expected, "byte by byte");
});

test("a small body can be read at once, or asked for later", async () => {
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  assert.match(await answers([post("/small", "abc")], 1), /POST \/small 3 294$/);
  assert.match(await answers([post("/later", "abc") + post("/later", "de")], 2), /3 294[^]*2 201$/);
  // What comes in pieces, or is large, is not there at once.
  assert.match(await answers([post("/small", "x".repeat(5000))], 1), /POST \/small 9 /);
});

test("a body in chunks is put together, its extensions and trailers are skipped", async () => {
  const body = "3;a=b\r\n\x01\x02\x03\r\n1\r\n\x04\r\n0\r\nX: y\r\n\r\n";
  const request = close("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked", body);
  assert.equal(await answers([request]), closing("POST /c 4 10"));
  assert.equal(await answers([...request]), closing("POST /c 4 10"));
});

test("a length beside chunks is ignored, and the connection ends behind the reply", async () => {
  for (const length of [3, 99]) {
    const head =
      `POST /c HTTP/1.1\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await answers([`${head}2\r\n\x01\x02\r\n0\r\n\r\n${GET}`]);
    assert.equal(answer, closing("POST /c 2 3"));
  }
});

test("more than 65536 chunks are refused", async () => {
  const request = close(
    "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked",
    "1\r\nx\r\n".repeat(65537),
  );
  const answer = await answers([request]);
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/json\r\n/);
  assert.match(answer, /Chunked request body exceeds maximum of 65536 non-empty chunks\./);
});

test("HTTP/1.0 closes, unless it asks not to", async () => {
  assert.equal(await answers(["GET /a HTTP/1.0\r\n\r\n"]), reply("GET /a 0 0"));
  const kept = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  const expected = reply("GET /a 0 0", "Connection: keep-alive\r\n");
  assert.equal(await answers([kept, kept], 2), expected + expected);
});

test("a client that waits for a word before it sends the body gets it", async () => {
  const head = "POST /a HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
  const answer = await answers([head, "\x05"], 2);
  assert.equal(answer, `HTTP/1.1 100 Continue\r\n\r\n${reply("POST /a 1 5")}`);
  const refused = head.replace("/a", "/nobody");
  // Whether the client sends the body nevertheless cannot be known: the connection ends.
  assert.equal(await answers([refused]), closing("no"), "not when nobody wants the body");
});

test("a body that nobody wants is skipped when it is small, else the connection ends", async () => {
  const small = "POST /nobody HTTP/1.1\r\nContent-Length: 70000\r\n\r\n";
  const rest = new Uint8Array(70_000);
  assert.equal(await answers([small, rest, GET], 2), reply("no") + reply("GET /a 0 0"));
  const large = "POST /nobody HTTP/1.1\r\nContent-Length: 7000000000\r\n\r\n";
  assert.equal(await answers([large]), closing("no"));
});

test("a large body arrives whole", async () => {
  const body = Uint8Array.from({ length: 3 << 20 }, (_, index) => index * 7);
  const sum = body.reduce((total, byte) => (total + byte) % 65521, 0);
  const head = `POST /l HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`;
  const expected = reply(`POST /l ${body.length} ${sum}`);
  assert.equal(await answers([head, body], 1), expected);
  const whole = new Uint8Array([...encoder.encode(head), ...body.subarray(0, 100_000)]);
  assert.equal(
    await answers([whole, body.subarray(100_000), GET], 2),
    expected + reply("GET /a 0 0"),
  );
});

test("what is streamed comes in chunks, to HTTP/1.0 as it is", async () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const chunks = `3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n`;
  assert.equal(
    await answers(["GET /stream HTTP/1.1\r\n\r\n"], 1),
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
  );
  assert.equal(await answers(["GET /stream HTTP/1.0\r\n\r\n"]), `${head}\r\nonetwo`);
});

test("HEAD gets the length and no body", async () => {
  const expected = reply("HEAD /a 0 0").replace(/HEAD.*$/, "");
  assert.equal(await answers(["HEAD /a HTTP/1.1\r\n\r\n"], 1), expected);
});

test("what is no HTTP, or whose end is in doubt, gets no answer", async () => {
  const bad = [
    "nonsense\r\n\r\n",
    "GET /a\r\n\r\n",
    "GET /a HTTP/2.0\r\n\r\n",
    "GET  /a HTTP/1.1\r\n\r\n",
    "GET /a HTTP/1.1\n\n",
    "GET /a HTTP/1.1\r\nno colon\r\n\r\n",
    "GET /a HTTP/1.1\r\nA : b\r\n\r\n",
    "GET /a HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    "GET /a HTTP/1.1\r\nA: b\0c\r\n\r\n",
    "GET /\0 HTTP/1.1\r\n\r\n",
    "POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST /a HTTP/1.1\r\nContent-Length: 1x\r\n\r\nab",
    "POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n999999999\r\n",
    "POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    `GET /${"a".repeat(8192)} HTTP/1.1\r\n\r\n`,
    `GET /a HTTP/1.1\r\nA: ${"a".repeat(8192)}\r\n\r\n`,
    `GET /a HTTP/1.1\r\n${"a".repeat(20_000)}`,
  ];
  for (const request of bad) assert.equal(await answers([request]), "", request.slice(0, 80));
});

test("long and many fields are taken", async () => {
  const value = `GET /a HTTP/1.1\r\nA: ${"a".repeat(8191)}\r\n\r\n`;
  assert.equal(await answers([value], 1), reply("GET /a 0 0"));
  const many = `GET /a HTTP/1.1\r\n${"A: bcdefgh\r\n".repeat(9000)}\r\n`;
  assert.equal(await answers([many], 1), reply("GET /a 0 0"));
});

test("a client that leaves is told of at once, however it leaves", async () => {
  for (const leave of ["destroy", "end", "resetAndDestroy"] as const) {
    let gone = 0;
    const server = await Http1Server.listen({ hostname: "127.0.0.1", port: 0 }, (request) => {
      return new Promise((resolve) => {
        request.onGone(() => {
          gone++;
          resolve(text("late"));
        });
      });
    }, CUT);
    const { socket } = await client(server.port);
    socket.on("error", () => {});
    socket.write(GET);
    await sleep(50);
    assert.equal(gone, 0);
    socket[leave]();
    for (let i = 0; i < 100 && gone === 0; i++) await sleep(5);
    assert.equal(gone, 1, leave);
    await server.stop(0);
  }
});

test("a stop closes idle connections, waits for requests, and cuts those off that take too long", async () => {
  const server = await serve();
  const idle = await client(server.port);
  const busy = await client(server.port);
  idle.socket.write(GET);
  busy.socket.write("GET /gone HTTP/1.1\r\n\r\n");
  await sleep(50);
  const stopped = server.stop(100);
  await idle.closed;
  await sleep(20);
  assert.equal(busy.received(), "");
  await stopped;
  await busy.closed;
  assert.equal(
    busy.received(),
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 3\r\n\r\ncut",
  );
});

test("a reply that the client does not read holds nobody else up, and ends with its connection", async () => {
  let sent = 0;
  const body = new Uint8Array(32 << 20);
  const server = await Http1Server.listen({ hostname: "127.0.0.1", port: 0 }, ({ path }) => {
    return path === "/large" ? { status: 200, fields: [], body, onSent: () => sent++ } : text("x");
  }, CUT);
  const slow = await client(server.port);
  slow.socket.pause();
  slow.socket.write("GET /large HTTP/1.1\r\n\r\n");
  await sleep(50);
  const other = await client(server.port);
  other.socket.write(GET);
  for (let i = 0; i < 100 && other.received() === ""; i++) await sleep(5);
  assert.equal(other.received(), reply("x"));
  assert.equal(sent, 0);
  slow.socket.destroy();
  for (let i = 0; i < 100 && sent === 0; i++) await sleep(5);
  assert.equal(sent, 1);
  other.socket.destroy();
  await server.stop(0);
});

test("memory is given back when all of it has gone out, not when an empty part has", async () => {
  const memory = new Uint8Array(24 << 20).fill(7);
  const server = await Http1Server.listen({ hostname: "127.0.0.1", port: 0 }, () => {
    const body = [encoder.encode("{}"), memory, new Uint8Array(0)];
    return { status: 200, fields: [], body, onSent: () => memory.fill(9) };
  }, CUT);
  const { socket } = await client(server.port);
  socket.pause();
  let wrong = 0;
  let length = 0;
  socket.removeAllListeners("data");
  socket.on("data", (data) => {
    length += data.length;
    for (const byte of data as Uint8Array) if (byte === 9) wrong++;
  });
  socket.pause();
  socket.write(GET);
  await sleep(100);
  socket.resume();
  for (let i = 0; i < 400 && length <= memory.length; i++) await sleep(5);
  assert.ok(length > memory.length);
  assert.equal(wrong, 0);
  for (let i = 0; i < 100 && memory[0] !== 9; i++) await sleep(5);
  assert.equal(memory[0], 9);
  socket.destroy();
  await server.stop(0);
});

test("a client that asks and does not read is not answered for ever, and gets everything later", async () => {
  let asked = 0;
  const body = new Uint8Array(64 << 10);
  const server = await Http1Server.listen({ hostname: "127.0.0.1", port: 0 }, () => {
    asked++;
    return { status: 200, fields: [], body };
  }, CUT);
  const { socket } = await client(server.port);
  socket.removeAllListeners("data");
  let length = 0;
  socket.on("data", (data) => length += data.length);
  socket.pause();
  const count = 3000;
  socket.write(GET.repeat(count));
  await sleep(200);
  assert.ok(asked < count / 2, `${asked} were answered`);
  socket.resume();
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n".length;
  for (let i = 0; i < 2000 && length < count * (head + body.length); i++) await sleep(5);
  assert.equal(length, count * (head + body.length));
  socket.destroy();
  await server.stop(0);
});

test("many busy connections leave room for others", async () => {
  const server = await serve();
  const busy = await Promise.all(Array.from({ length: 100 }, () => client(server.port)));
  let isOver = false;
  for (const { socket } of busy) {
    const flood = () => {
      if (!isOver) socket.write("\r\n".repeat(4096), flood);
    };
    flood();
  }
  await sleep(100);
  const other = await client(server.port);
  other.socket.write(GET);
  for (let i = 0; i < 400 && other.received() === ""; i++) await sleep(5);
  isOver = true;
  assert.equal(other.received(), reply("GET /a 0 0"));
  for (const { socket } of [...busy, other]) socket.destroy();
  await server.stop(0);
});

test("a stop waits for a start that is under way", async () => {
  const engine = new FakeEngine({ m: ECHO });
  const http = new KServeHttp(engine, { address: "127.0.0.1", port: 0 });
  const started = http.start();
  await http.stop();
  await started;
  await assert.rejects(http.stop(), /HTTP server is not running\./);
});
