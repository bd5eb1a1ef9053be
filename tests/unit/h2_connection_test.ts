/**
 * HTTP/2 connections, frame by frame: requests and responses, flow control, the end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, FrameType, PREFACE, uint32 } from "../../src/grpc/h2/frames.ts";
import { CONNECTION_WINDOW, OWN_SETTINGS, STREAM_WINDOW } from "../../src/grpc/h2/settings.ts";
import { frame, H2Peer, join, number, REQUEST, setting, settle } from "../support/h2_peer.ts";

const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;

const data = (stream: number, size: number, flags = 0) =>
  frame(FrameType.DATA, flags, stream, new Uint8Array(size).fill(7));
const windowUpdate = (stream: number, increment: number) =>
  frame(FrameType.WINDOW_UPDATE, 0, stream, number(increment));

test("a connection begins with SETTINGS and a large window, in one write", () => {
  const peer = new H2Peer({}, false);
  peer.send(join([PREFACE, frame(FrameType.SETTINGS, 0, 0)]));
  assert.equal(peer.connection.writes, 1);
  const [settings, window, ack] = peer.take();
  assert.deepEqual([settings.type, settings.payload], [FrameType.SETTINGS, OWN_SETTINGS]);
  assert.equal(uint32(window.payload, 0), CONNECTION_WINDOW - 65535);
  assert.deepEqual([ack.type, ack.flags], [FrameType.SETTINGS, 1]);
});

test("requests that come byte by byte are the same as in one piece", () => {
  const peer = new H2Peer({}, false);
  const bytes = join([
    PREFACE,
    frame(FrameType.SETTINGS, 0, 0),
    frame(FrameType.HEADERS, END_HEADERS, 1, REQUEST),
    data(1, 1000),
    frame(99, 0, 0, new Uint8Array(30)),
    data(1, 0, END_STREAM),
  ]);
  for (const byte of bytes) peer.send(Uint8Array.of(byte));
  const [call] = peer.calls;
  assert.deepEqual([call.stream.method, call.stream.path], ["POST", "/a"]);
  assert.deepEqual(call.stream.headers, [":method", "POST", ":scheme", "http", ":path", "/a"]);
  assert.deepEqual([call.size, call.ended], [1000, true]);
});

test("the responses of a turn go out in one write", async () => {
  const peer = new H2Peer();
  for (const stream of [1, 3, 5]) peer.open(stream);
  peer.take();
  const { writes } = peer.connection;
  for (const call of peer.calls) peer.answer(call, Uint8Array.of(1, 2, 3));
  await settle();
  assert.equal(peer.connection.writes, writes + 1);
  const frames = peer.take();
  assert.deepEqual(frames.map(({ stream }) => stream), [1, 1, 1, 3, 3, 3, 5, 5, 5]);
  assert.deepEqual(frames.slice(0, 3).map(({ type, flags }) => [type, flags]), [
    [FrameType.HEADERS, END_HEADERS],
    [FrameType.DATA, 0],
    [FrameType.HEADERS, END_HEADERS | END_STREAM],
  ]);
  assert.deepEqual(peer.decode(frames[2]), { "grpc-status": "0" });
  assert.equal(peer.server.openStreams, 0);
});

test("padding and priorities are read over", () => {
  const peer = new H2Peer();
  const padding = new Uint8Array(10);
  const head = join([Uint8Array.of(10), number(0), Uint8Array.of(16), REQUEST, padding]);
  peer.send(
    frame(FrameType.HEADERS, END_HEADERS | PADDED | PRIORITY, 1, head),
    frame(FrameType.DATA, PADDED | END_STREAM, 1, Uint8Array.of(3, 1, 2, 0, 0, 0)),
  );
  assert.deepEqual(peer.calls[0].chunks, [Uint8Array.of(1, 2)]);
  assert.equal(peer.calls[0].ended, true);
});

test("header blocks in several frames are put together, and sent likewise", async () => {
  const peer = new H2Peer();
  peer.send(
    frame(FrameType.HEADERS, END_STREAM, 1, REQUEST.slice(0, 3)),
    frame(FrameType.CONTINUATION, 0, 1, REQUEST.slice(3, 4)),
    frame(FrameType.CONTINUATION, END_HEADERS, 1, REQUEST.slice(4)),
  );
  assert.equal(peer.calls[0].stream.path, "/a");
  peer.take();
  const message = "m".repeat(40_000);
  peer.calls[0].stream.respond({ ":status": "200", "grpc-message": message }, true);
  await settle();
  const frames = peer.take();
  assert.deepEqual(frames.map(({ type, flags, payload }) => [type, flags, payload.length]), [
    [FrameType.HEADERS, END_STREAM, 16384],
    [FrameType.CONTINUATION, 0, 16384],
    [FrameType.CONTINUATION, END_HEADERS, frames[2].payload.length],
  ]);
  const block = { ...frames[0], payload: join(frames.map(({ payload }) => payload)) };
  assert.equal(peer.decode(block)["grpc-message"], message);
});

test("a header block says that no table is used, when the client made its smaller", async () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.SETTINGS, 0, 0, setting(1, 0)));
  peer.open(1);
  peer.take();
  peer.answer(peer.calls[0], Uint8Array.of(1));
  await settle();
  const [first, , last] = peer.take();
  assert.equal(first.payload[0], 0x20);
  assert.notEqual(last.payload[0], 0x20);
});

test("data waits for the windows of the stream and of the connection, and takes turns", async () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.SETTINGS, 0, 0, setting(4, 50_000)));
  peer.open(1);
  peer.open(3);
  peer.take();
  const [first, second] = peer.calls;
  assert.equal(first.stream.write(new Uint8Array(200_000).fill(1)), false);
  assert.equal(second.stream.write(new Uint8Array(200_000).fill(2)), false);
  second.stream.trailers({ "grpc-status": "0" });
  await settle();
  const sizes = () => {
    const frames = peer.takeOnly(FrameType.DATA);
    const sizeOf = (id: number) =>
      frames.filter(({ stream }) => stream === id)
        .reduce((sum, { payload }) => sum + payload.length, 0);
    return [sizeOf(1), sizeOf(3)];
  };
  assert.deepEqual(sizes(), [50_000, 15_535]);
  peer.send(windowUpdate(0, 30_000));
  assert.deepEqual(sizes(), [0, 30_000]);
  peer.send(windowUpdate(1, 1 << 20), windowUpdate(3, 1 << 20), windowUpdate(0, 80_000));
  const [more, others] = sizes();
  assert.ok(more > 0 && others > 0 && more + others === 80_000, `${more}, ${others}`);
  assert.equal(first.drains, 0);
  peer.send(windowUpdate(0, 1 << 20));
  assert.deepEqual(sizes(), [150_000 - more, 154_465 - others]);
  assert.deepEqual([first.drains, second.drains], [1, 0]);
  assert.equal(peer.server.openStreams, 1);
});

test("a smaller window of the client may leave a stream below zero", async () => {
  const peer = new H2Peer();
  peer.open(1);
  const { stream } = peer.calls[0];
  stream.write(new Uint8Array(10_000));
  await settle();
  peer.take();
  peer.send(frame(FrameType.SETTINGS, 0, 0, setting(4, 5000)));
  stream.write(new Uint8Array(100));
  await settle();
  assert.equal(peer.takeOnly(FrameType.DATA).length, 0);
  peer.send(windowUpdate(1, 5000));
  assert.equal(peer.takeOnly(FrameType.DATA).length, 0);
  peer.send(windowUpdate(1, 60));
  assert.deepEqual(peer.takeOnly(FrameType.DATA).map(({ payload }) => payload.length), [60]);
});

test("large payloads are sent from where they are, in frames as large as the client takes", async () => {
  const peer = new H2Peer();
  peer.send(
    frame(FrameType.SETTINGS, 0, 0, join([setting(4, 0x7fffffff), setting(5, 0xffffff)])),
    windowUpdate(0, 0x7fffffff - 65535),
  );
  peer.open(1);
  peer.take();
  const body = Uint8Array.from({ length: 700_000 }, (_, i) => i >> 8);
  peer.answer(peer.calls[0], body);
  await settle();
  const frames = peer.takeOnly(FrameType.DATA);
  assert.deepEqual(frames.map(({ payload }) => payload.length), [262_144, 262_144, 175_712]);
  assert.deepEqual(join(frames.map(({ payload }) => payload)), body);
});

test("no more than a few megabytes wait for a client that does not read", async () => {
  const peer = new H2Peer();
  peer.send(frame(FrameType.SETTINGS, 0, 0, setting(4, 0x7fffffff)), windowUpdate(0, 1 << 30));
  peer.open(1);
  peer.take();
  peer.connection.isStalled = true;
  const body = new Uint8Array(20 << 20);
  assert.equal(peer.calls[0].stream.write(body), false);
  await settle();
  assert.ok(peer.connection.unsent < 3 << 20, `${peer.connection.unsent}`);
  let sent = 0;
  for (let round = 0; round < 100 && sent < body.length; round++) {
    peer.connection.release();
    await settle();
    for (const { payload } of peer.takeOnly(FrameType.DATA)) sent += payload.length;
  }
  assert.equal(sent, body.length);
  assert.equal(peer.calls[0].drains, 1);
});

test("the client's windows are given back in large steps, but not to a stream that is paused", async () => {
  const peer = new H2Peer();
  peer.open(1, false);
  peer.open(3, false);
  peer.take();
  const [running, paused] = peer.calls;
  paused.stream.pause(true);
  const half = Array.from({ length: 128 }, () => data(1, 16384));
  peer.send(...half);
  const [update, ...others] = peer.take();
  assert.deepEqual([update.type, update.stream], [FrameType.WINDOW_UPDATE, 1]);
  assert.equal(uint32(update.payload, 0), STREAM_WINDOW / 2);
  assert.equal(others.length, 0);
  peer.send(...Array.from({ length: 256 }, () => data(3, 16384)));
  peer.send(data(3, 0, END_STREAM));
  assert.equal(peer.take().length, 0);
  assert.deepEqual([running.size, paused.size, paused.ended], [STREAM_WINDOW / 2, 0, false]);
  paused.stream.pause(false);
  await settle();
  assert.deepEqual([paused.size, paused.ended], [STREAM_WINDOW, true]);
  peer.send(...Array.from({ length: 1800 }, (_, i) => data(1, i % 2 ? 16384 : 16383)));
  const updates = peer.take();
  assert.ok(updates.some(({ stream }) => stream === 0));
  assert.ok(updates.length < 20);
});

test("a stream that is reset by its client is aborted, and one that is answered is not", async () => {
  const peer = new H2Peer();
  peer.open(1);
  peer.open(3, false);
  peer.send(frame(FrameType.RST_STREAM, 0, 1, number(8)));
  assert.equal(peer.calls[0].abortedTimes, 1);
  peer.take();
  peer.answer(peer.calls[1], Uint8Array.of(1));
  await settle();
  // The client is told not to send the rest.
  const reset = peer.take().at(-1);
  assert.deepEqual([reset?.type, reset?.payload], [FrameType.RST_STREAM, number(0)]);
  peer.send(data(3, 10), data(3, 0, END_STREAM));
  assert.deepEqual([peer.take().length, peer.calls[1].abortedTimes], [0, 0]);
  peer.connection.destroy();
  await settle();
  assert.deepEqual(peer.calls.map(({ abortedTimes }) => abortedTimes), [1, 0]);
  assert.ok(peer.isClosed);
});

test("a drain lets clients finish what they began before they knew", async () => {
  const peer = new H2Peer();
  peer.open(1);
  peer.take();
  peer.server.drain();
  const [goAway, ping] = peer.take();
  assert.equal(uint32(goAway.payload, 0), 0x7fffffff);
  peer.open(3);
  peer.send(frame(FrameType.PING, 1, 0, ping.payload));
  const [last] = peer.take();
  assert.deepEqual([uint32(last.payload, 0), uint32(last.payload, 4)], [3, ErrorCode.NO_ERROR]);
  peer.open(5);
  assert.equal(peer.calls.length, 2);
  for (const call of peer.calls) peer.answer(call, Uint8Array.of(1));
  await settle();
  assert.equal(peer.takeOnly(FrameType.HEADERS).length, 4);
  assert.ok(peer.connection.isEnded && peer.isClosed);
});

test("a drain does not wait for a client at rest that stays silent, or has not begun", async () => {
  const silent = new H2Peer();
  const fresh = new H2Peer({}, false);
  silent.server.drain();
  fresh.server.drain();
  await sleep(1200);
  assert.ok(silent.isClosed && silent.connection.isEnded);
  assert.ok(fresh.isClosed && fresh.connection.isDestroyed);
});

test("a client that hangs up cancels its calls", async () => {
  const peer = new H2Peer();
  peer.open(1);
  peer.server.ended();
  await settle();
  assert.equal(peer.calls[0].abortedTimes, 1);
  assert.ok(peer.connection.isEnded);
});

test("a dead client is found by pings, a living one is left alone", async () => {
  const options = { keepaliveTimeMs: 40, keepaliveTimeoutMs: 40 };
  const dead = new H2Peer({ ...options, keepalivePermitWithoutCalls: true });
  const alive = new H2Peer(options);
  const atRest = new H2Peer(options);
  alive.open(1);
  dead.take();
  alive.take();
  atRest.take();
  for (let i = 0; i < 20; i++) {
    await sleep(10);
    for (const { type, payload } of alive.take()) {
      if (type === FrameType.PING) alive.send(frame(FrameType.PING, 1, 0, payload));
    }
  }
  assert.deepEqual(dead.take().map(({ type }) => type), [FrameType.PING]);
  assert.ok(dead.isClosed && !alive.isClosed && !atRest.isClosed);
  assert.equal(atRest.take().length, 0);
  for (const peer of [alive, atRest]) peer.connection.destroy();
  await settle();
});

test("pings stop when nothing else is sent", async () => {
  const peer = new H2Peer({
    keepaliveTimeMs: 10,
    keepalivePermitWithoutCalls: true,
    http2MaxPingsWithoutData: 3,
  });
  let pings = 0;
  for (let i = 0; i < 20; i++) {
    await sleep(10);
    for (const { payload } of peer.takeOnly(FrameType.PING)) {
      pings += 1;
      peer.send(frame(FrameType.PING, 1, 0, payload));
    }
  }
  assert.equal(pings, 3);
  peer.connection.destroy();
  await settle();
});

test("an old connection is asked to go, and cut when its calls take too long", async () => {
  const peer = new H2Peer({ maxConnectionAgeMs: 20, maxConnectionAgeGraceMs: 50 });
  peer.open(1);
  peer.take();
  await sleep(40);
  assert.equal(peer.goAway(), ErrorCode.NO_ERROR);
  assert.ok(!peer.isClosed);
  await sleep(100);
  assert.ok(peer.isClosed && peer.connection.isDestroyed);
  assert.equal(peer.calls[0].abortedTimes, 1);
});
