/**
 * HTTP/2 clients that break the rules, or keep them to do harm.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode, FrameType, PREFACE, uint32 } from "../../src/grpc/h2/frames.ts";
import { MAX_STREAMS, STREAM_WINDOW } from "../../src/grpc/h2/settings.ts";
import {
  type Frame,
  frame,
  H2Peer,
  join,
  number,
  REQUEST,
  setting,
  settle,
  withFastTimers,
} from "../support/h2_peer.ts";

const END_STREAM = 1;
const END_HEADERS = 4;
const NOTHING = new Uint8Array(0);

const data = (stream: number, size: number, flags = 0) =>
  frame(FrameType.DATA, flags, stream, new Uint8Array(size));
const headers = (stream: number, block: Uint8Array = REQUEST, flags = END_STREAM | END_HEADERS) =>
  frame(FrameType.HEADERS, flags, stream, block);
const reset = (stream: number) => frame(FrameType.RST_STREAM, 0, stream, number(8));
const ping = () => frame(FrameType.PING, 0, 0, new Uint8Array(8));

/** Streams and codes of the RST_STREAMs among `frames`. */
const resets = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === FrameType.RST_STREAM)
    .map(({ stream, payload }) => [stream, uint32(payload, 0)]);

/** Sends `make(i)` again and again, until the connection ends; returns how often, at most `limit`. */
function flood(peer: H2Peer, make: (i: number) => Uint8Array, limit: number): number {
  for (let i = 0; i < limit; i++) {
    if (peer.connection.isEnded || peer.connection.isDestroyed) return i;
    peer.send(make(i));
  }
  return limit;
}

test("opening and resetting streams again and again ends the connection", async () => {
  const peer = new H2Peer();
  const other = new H2Peer();
  const count = flood(peer, (i) => join([headers(2 * i + 1), reset(2 * i + 1)]), 50_000);
  assert.ok(count >= 2000 && count < 3000, `${count}`);
  assert.equal(peer.goAway(), ErrorCode.ENHANCE_YOUR_CALM);
  assert.ok(peer.calls.every(({ abortedTimes }) => abortedTimes === 1));
  other.open(1);
  other.take();
  other.answer(other.calls[0], NOTHING);
  await settle();
  assert.equal(other.takeOnly(FrameType.HEADERS).length, 2);
});

test("so does making the server reset streams", () => {
  const peer = new H2Peer();
  const bad = REQUEST.slice(0, 2);
  const count = flood(peer, (i) => headers(2 * i + 1, bad), 50_000);
  assert.ok(count >= 2000 && count < 3000, `${count}`);
  assert.equal(peer.goAway(), ErrorCode.ENHANCE_YOUR_CALM);
});

test("resetting streams that were answered is no abuse", async () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.SETTINGS, 0, 0, setting(4, 0)));
  for (let i = 0; i < 5000; i++) {
    peer.open(2 * i + 1);
    peer.answer(peer.calls[i], Uint8Array.of(1));
    peer.send(reset(2 * i + 1));
  }
  await settle();
  assert.ok(!peer.connection.isEnded);
});

test("a header block without an end ends the connection", () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.HEADERS, 0, 1, REQUEST));
  const count = flood(
    peer,
    () => frame(FrameType.CONTINUATION, 0, 1, new Uint8Array(16384)),
    100,
  );
  assert.equal(count, 4);
  assert.equal(peer.goAway(), ErrorCode.ENHANCE_YOUR_CALM);
});

test("so do header blocks in endless empty frames", () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.HEADERS, 0, 1, REQUEST));
  assert.ok(flood(peer, () => frame(FrameType.CONTINUATION, 0, 1), 100_000) < 20_000);
  assert.equal(peer.goAway(), ErrorCode.ENHANCE_YOUR_CALM);
});

test("a small header block that stands for a large one costs its stream only", () => {
  const peer = new H2Peer();
  // An entry of 4,000 bytes, and 60 references to it.
  const value = join([
    Uint8Array.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e),
    new Uint8Array(4000).fill(97),
  ]);
  peer.open(1, true, join([REQUEST, value]));
  peer.open(3, true, join([REQUEST, new Uint8Array(60).fill(0xbe)]));
  peer.open(5);
  assert.equal(peer.calls.length, 2);
  assert.deepEqual(resets(peer.take()), [[3, ErrorCode.ENHANCE_YOUR_CALM]]);
});

test("pings that come too often end the connection", () => {
  const peer = new H2Peer();
  peer.open(1);
  assert.equal(flood(peer, ping, 100), 4);
  const frames = peer.take();
  assert.equal(peer.goAway(frames), ErrorCode.ENHANCE_YOUR_CALM);
  const text = new TextDecoder().decode(frames.at(-1)?.payload.slice(8));
  assert.equal(text, "too_many_pings");
});

test("pings may follow data, or come as often as the options say", async () => {
  const peer = new H2Peer();
  peer.open(1);
  for (let i = 0; i < 20; i++) {
    peer.send(ping());
    peer.calls[0].stream.write(Uint8Array.of(1));
    await settle();
  }
  const lenient = new H2Peer({ http2MaxPingStrikes: 0 });
  flood(lenient, ping, 50);
  const frequent = new H2Peer({ http2MinRecvPingIntervalWithoutDataMs: 0 });
  frequent.open(1);
  flood(frequent, ping, 50);
  for (const { connection } of [peer, lenient, frequent]) assert.ok(!connection.isEnded);
});

for (
  const [what, make] of [
    ["pings", ping],
    ["settings", () => frame(FrameType.SETTINGS, 0, 0, setting(4, 1000))],
    ["priorities", () => frame(FrameType.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 0, 1))],
    ["frames of unknown types", () => frame(77, 0, 0)],
    ["data without data", () => data(1, 0)],
  ] as const
) {
  test(`endless ${what} end the connection`, () => {
    const peer = new H2Peer({ http2MaxPingStrikes: 0 });
    peer.open(1, false);
    assert.ok(flood(peer, make, 100_000) < 30_000);
    assert.equal(peer.goAway(), ErrorCode.ENHANCE_YOUR_CALM);
  });
}

test("requests of a client that does not read end the connection", async () => {
  const peer = new H2Peer();
  peer.connection.isStalled = true;
  const large = { ":status": "200", "grpc-message": "m".repeat(8000) };
  const count = flood(peer, (i) => {
    peer.calls.at(-1)?.stream.respond(large, true);
    return headers(2 * i + 1);
  }, 50_000);
  assert.ok(count < 5000, `${count}`);
  assert.ok(peer.connection.isDestroyed && peer.connection.unsent < 20 << 20);
  await settle();
  assert.ok(peer.isClosed);
});

test("streams over the limit are refused, and others go on", () => {
  const peer = new H2Peer();
  for (let i = 0; i < MAX_STREAMS; i++) peer.open(2 * i + 1);
  assert.deepEqual(resets(peer.take()), []);
  const id = 2 * MAX_STREAMS + 1;
  peer.open(id);
  assert.deepEqual(resets(peer.take()), [[id, ErrorCode.REFUSED_STREAM]]);
  peer.send(reset(1));
  peer.open(id + 2);
  assert.equal(peer.calls.length, MAX_STREAMS + 1);
});

test("more data than the window has ends the stream, and the connection goes on", () => {
  const peer = new H2Peer();
  peer.open(1, false);
  peer.calls[0].stream.pause(true);
  for (let i = 0; i < STREAM_WINDOW / 16384; i++) peer.send(data(1, 16384));
  peer.take();
  peer.send(data(1, 1));
  assert.deepEqual(resets(peer.take()), [[1, ErrorCode.FLOW_CONTROL_ERROR]]);
  assert.equal(peer.calls[0].abortedTimes, 1);
  peer.send(data(1, 10));
  assert.equal(peer.take().length, 0);
  peer.open(3);
  assert.equal(peer.calls.length, 2);
});

const GO_AWAY: readonly (readonly [what: string, code: number, ...frames: Uint8Array[]])[] = [
  [
    "a window over 2^31-1",
    ErrorCode.FLOW_CONTROL_ERROR,
    frame(FrameType.WINDOW_UPDATE, 0, 0, number(0x7fffffff)),
  ],
  [
    "settings that make a window too large",
    ErrorCode.FLOW_CONTROL_ERROR,
    headers(1),
    frame(FrameType.WINDOW_UPDATE, 0, 1, number(0x7fff0000)),
    frame(FrameType.SETTINGS, 0, 0, setting(4, 0x7fffffff)),
  ],
  ["a frame of 16385 bytes", ErrorCode.FRAME_SIZE_ERROR, data(1, 16385)],
  ["a ping of 7 bytes", ErrorCode.FRAME_SIZE_ERROR, frame(6, 0, 0, new Uint8Array(7))],
  ["settings of 5 bytes", ErrorCode.FRAME_SIZE_ERROR, frame(4, 0, 0, new Uint8Array(5))],
  ["data on an idle stream", ErrorCode.PROTOCOL_ERROR, data(1, 1)],
  ["a stream of the server's", ErrorCode.PROTOCOL_ERROR, headers(2)],
  ["a stream id that is too small", ErrorCode.PROTOCOL_ERROR, headers(5), headers(3)],
  [
    "padding that is longer than its frame",
    ErrorCode.PROTOCOL_ERROR,
    headers(1, REQUEST, END_HEADERS),
    frame(FrameType.DATA, 8, 1, Uint8Array.of(1)),
  ],
  ["padding without room for its length", ErrorCode.FRAME_SIZE_ERROR, frame(1, 12, 1)],
  [
    "another frame within a header block",
    ErrorCode.PROTOCOL_ERROR,
    headers(1, REQUEST, 0),
    data(1, 1),
  ],
  ["a header block that is none", ErrorCode.COMPRESSION_ERROR, headers(1, Uint8Array.of(0x80))],
  ["a promise", ErrorCode.PROTOCOL_ERROR, frame(FrameType.PUSH_PROMISE, 4, 1, number(2))],
];

for (const [what, code, ...frames] of GO_AWAY) {
  test(`${what} ends the connection`, async () => {
    const peer = new H2Peer();
    peer.send(...frames);
    assert.equal(peer.goAway(), code);
    assert.ok(peer.connection.isEnded);
    await settle();
    assert.ok(peer.calls.every(({ abortedTimes }) => abortedTimes === 1));
  });
}

test("a stream that depends on itself is reset", () => {
  const peer = new H2Peer();
  const dependency = join([number(1), Uint8Array.of(0)]);
  peer.send(headers(1, join([dependency, REQUEST]), END_HEADERS | 0x20));
  assert.deepEqual(resets(peer.take()), [[1, ErrorCode.PROTOCOL_ERROR]]);
  peer.open(3, false);
  peer.send(frame(FrameType.PRIORITY, 0, 3, join([number(3), Uint8Array.of(0)])));
  assert.deepEqual(resets(peer.take()), [[3, ErrorCode.PROTOCOL_ERROR]]);
});

test("a body that is not as long as announced is refused", () => {
  const peer = new H2Peer();
  // content-length: 10
  const block = join([REQUEST, Uint8Array.of(0x0f, 13, 2, 0x31, 0x30)]);
  for (const [id, size] of [[1, 9], [3, 11], [5, 10]]) {
    peer.open(id, false, block);
    peer.send(data(id, size, END_STREAM));
  }
  const codes = resets(peer.take());
  assert.deepEqual(codes, [[1, ErrorCode.PROTOCOL_ERROR], [3, ErrorCode.PROTOCOL_ERROR]]);
  assert.equal(peer.calls[2].ended, true);
});

test("what is not HTTP/2 is cut off", async () => {
  for (const text of ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"]) {
    const peer = new H2Peer({}, false);
    peer.send(new TextEncoder().encode(text));
    await settle();
    assert.ok(peer.connection.isDestroyed && peer.isClosed);
    assert.equal(peer.connection.writes, 0);
  }
});

test("a client that does not begin is cut off after ten seconds", async () => {
  await withFastTimers(async () => {
    const silent = new H2Peer({}, false);
    const slow = new H2Peer({}, false);
    const begun = new H2Peer();
    slow.send(PREFACE.slice(0, 23));
    await new Promise((resolve) => setTimeout(resolve, 9000));
    assert.ok(!silent.isClosed && !slow.isClosed);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.ok(silent.isClosed && slow.isClosed && !begun.isClosed);
    begun.connection.destroy();
    await settle();
  });
});

test("a client that does not take the end is cut off", async () => {
  await withFastTimers(async () => {
    const peer = new H2Peer();
    peer.connection.end = () => {};
    peer.send(data(1, 1));
    assert.ok(!peer.connection.isDestroyed);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.ok(peer.connection.isDestroyed);
  });
});
