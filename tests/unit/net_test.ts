/** Sockets of our own: where they listen, and what they carry. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Connection, ListenAddress } from "../../src/net/connection.ts";
import { listenSockets } from "../../src/net/sockets.ts";
import { isError } from "../support/triton_error.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A server that sends back what it gets. */
function echo(address: ListenAddress) {
  const addresses: string[] = [];
  const listening = listenSockets(address, (connection) => {
    addresses.push(connection.remoteAddress);
    return {
      data: (bytes) => connection.write(bytes.slice()),
      ended: () => connection.end(),
      drained() {},
      closed() {},
    };
  });
  return listening.then((listener) => ({ listener, addresses }));
}

function dial(to: { port: number; host?: string } | { path: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to as { port: number });
    socket.on("error", reject);
    socket.on("connect", () => resolve(socket));
  });
}

/** What comes back for `bytes` from a server that echoes. */
async function roundTrip(socket: Socket, bytes: Uint8Array): Promise<Uint8Array> {
  const back = new Uint8Array(bytes.length);
  let at = 0;
  const done = new Promise<void>((resolve, reject) => {
    socket.on("data", (data) => {
      back.set(data as Uint8Array, at);
      at += data.length;
    });
    socket.on("end", () => resolve());
    socket.on("error", reject);
  });
  socket.end(bytes);
  await done;
  assert.equal(at, bytes.length);
  return back;
}

test("what is sent arrives whole, on IPv4, IPv6, by name and on a Unix domain socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-net-"));
  const bytes = Uint8Array.from({ length: 5_000_000 }, (_, index) => index * 31 >> 3);
  const path = join(folder, "socket");
  for (
    const address of [LOCAL, { ...LOCAL, hostname: "[::1]" }, { ...LOCAL, hostname: "localhost" }, {
      path,
    }]
  ) {
    const { listener, addresses } = await echo(address);
    const host = "path" in address ? undefined : address.hostname.replace(/[[\]]/g, "");
    const socket = await dial(host === undefined ? { path } : { port: listener.port, host });
    assert.deepEqual(await roundTrip(socket, bytes), bytes);
    const from = { "::1": /^\[::1\]:\d+$/, undefined: /^$/ }[String(host)] ??
      /^(127\.0\.0\.1|\[::1\]):\d+$/;
    assert.match(addresses[0], from);
    listener.close();
    listener.close();
  }
  assert.equal(existsSync(path), false);
  rmSync(folder, { recursive: true });
});

test("a taken address is refused with Triton's text, others with the reason", async () => {
  const { listener } = await echo(LOCAL);
  const taken = `Socket '127.0.0.1:${listener.port}' already in use `;
  await assert.rejects(
    echo({ ...LOCAL, port: listener.port }),
    isError("UNAVAILABLE", taken),
  );
  listener.close();
  const reasons: [ListenAddress, RegExp][] = [
    [{ hostname: "192.0.2.1", port: 0 }, /^Cannot listen on '192\.0\.2\.1:0': EADDRNOTAVAIL$/],
    [
      { hostname: "no.such.host.invalid", port: 0 },
      /^Cannot listen on 'no\.such\.host\.invalid:0': /,
    ],
    [{ path: "relative" }, /must be absolute$/],
    [{ path: "/no/such/folder/socket" }, /^Cannot listen on '.*': ENOENT$/],
    [{ path: `/${"x".repeat(200)}` }, /ENAMETOOLONG$/],
  ];
  for (const [address, reason] of reasons) {
    await assert.rejects(echo(address), (error: Error) => reason.test(error.message));
  }
});

test("a socket file that nobody listens on is replaced, another is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "triton-ts-net-"));
  const path = join(folder, "socket");
  const first = await echo({ path });
  await assert.rejects(
    echo({ path }),
    isError("UNAVAILABLE", `Socket '${path}' already in use `),
  );
  first.listener.close();
  writeFileSync(path, "a file of somebody's");
  await assert.rejects(echo({ path }));
  rmSync(folder, { recursive: true });
});

test("two listeners share a port only when both say so", async () => {
  const first = await echo({ ...LOCAL, reusePort: true });
  const { port } = first.listener;
  const second = await echo({ ...LOCAL, port, reusePort: true });
  await assert.rejects(echo({ ...LOCAL, port }));
  first.listener.close();
  assert.equal(
    (await roundTrip(await dial({ port, host: "127.0.0.1" }), new Uint8Array(3))).length,
    3,
  );
  second.listener.close();
});

/** A listener whose one connection is driven by the test. */
async function accepted(port: (port: number) => Promise<Socket>) {
  const events: string[] = [];
  let connection!: Connection;
  const listener = await listenSockets(LOCAL, (made) => {
    connection = made;
    return {
      data: (bytes) => void events.push(`data ${bytes.length}`),
      ended: () => events.push("ended"),
      drained: () => events.push("drained"),
      closed: () => events.push("closed"),
    };
  });
  const socket = await port(listener.port);
  for (let i = 0; i < 100 && connection === undefined; i++) await sleep(5);
  return { listener, connection, events, socket };
}

const local = (port: number) => dial({ port, host: "127.0.0.1" });

test("a paused connection holds its peer back and goes on later", async () => {
  const { listener, connection, events, socket } = await accepted(local);
  connection.pause(true);
  socket.write("abc");
  await sleep(50);
  assert.deepEqual(events, []);
  connection.pause(false);
  await sleep(50);
  assert.deepEqual(events, ["data 3"]);
  socket.destroy();
  await sleep(50);
  assert.equal(events[1], "ended");
  connection.destroy();
  connection.destroy();
  await sleep(1);
  assert.deepEqual(events.slice(2), ["closed"]);
  listener.close();
});

test("bytes are read straight into memory when that is asked for", async () => {
  const { listener, connection, events, socket } = await accepted(local);
  const target = new Uint8Array(1 << 20);
  connection.readInto(target, () => events.push("full"));
  socket.write(new Uint8Array((1 << 20) + 5).fill(7));
  for (let i = 0; i < 100 && events.length < 2; i++) await sleep(5);
  assert.deepEqual(events, ["full", "data 5"]);
  assert.ok(target.every((byte) => byte === 7));
  connection.destroy();
  socket.destroy();
  listener.close();
});

test("what waits for a slow reader is counted, told when it has gone, and dropped at the end", async () => {
  const { listener, connection, events, socket } = await accepted(local);
  socket.pause();
  let sent = 0;
  for (let i = 0; i < 64; i++) connection.write(new Uint8Array(1 << 20), () => sent++);
  await sleep(50);
  assert.ok(connection.unsent > 32 << 20, `${connection.unsent} wait`);
  assert.ok(sent < 32);
  let read = 0;
  socket.on("data", (data) => read += data.length);
  socket.resume();
  for (let i = 0; i < 400 && !events.includes("drained"); i++) await sleep(5);
  assert.deepEqual(events, ["drained"]);
  assert.equal(connection.unsent, 0);
  assert.equal(sent, 64);
  socket.pause();
  for (let i = 0; i < 64; i++) connection.write(new Uint8Array(1 << 20), () => sent++);
  await sleep(20);
  connection.destroy();
  await sleep(1);
  assert.equal(sent, 128);
  assert.equal(connection.unsent, 0);
  connection.write(new Uint8Array(1), () => sent++);
  await sleep(1);
  assert.equal(sent, 129, "a write that comes too late is given back");
  socket.destroy();
  listener.close();
});

test("an end sends what was written before it", async () => {
  const { listener, connection, socket } = await accepted(local);
  let read = 0;
  socket.on("data", (data) => read += data.length);
  const ended = new Promise<void>((resolve) => socket.on("end", resolve));
  connection.write(new Uint8Array(3 << 20));
  connection.end();
  await ended;
  assert.equal(read, 3 << 20);
  socket.destroy();
  listener.close();
});

test("a stray server on the port is none of ours", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
  });
  await assert.rejects(echo({ ...LOCAL, port }), /already in use/);
  other.close();
});

const onBun = "Bun" in globalThis && "Bun has no permissions";

test("a program that Deno gives no network does not listen", { skip: onBun }, () => {
  const script = join(import.meta.dirname!, "../support/listen.ts");
  const grants = ["--allow-ffi", "--allow-read", "--allow-env", "--allow-sys"];
  const run = (...flags: string[]) => {
    const args = ["run", "--quiet", "--no-prompt", ...grants, ...flags, script];
    return spawnSync("deno", args, { encoding: "utf8" });
  };
  const flag = "--allow-net=127.0.0.1:0";
  assert.match(
    run().stderr,
    new RegExp(`NotCapable: Cannot listen: run again with the ${flag} flag`),
  );
  assert.equal(run("--allow-net=127.0.0.1").stdout, "listens\n");
});

test("many small writes at once reach a slow client in their order", async () => {
  const pieces = Array.from(
    { length: 2000 },
    (_, index) => new Uint8Array(100 + index * 7 % 9000).fill(index),
  );
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const listener = await listenSockets(LOCAL, (connection) => ({
    data() {
      for (const piece of pieces) connection.write(piece);
      connection.end();
    },
    ended() {},
    drained() {},
    closed() {},
  }));
  const socket = await dial({ port: listener.port });
  socket.write("go");
  await sleep(100);
  let at = 0;
  let piece = 0;
  let within = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (data) => {
      at += data.length;
      for (const byte of data as Uint8Array) {
        if (byte !== piece % 256) {
          socket.destroy();
          return reject(new Error(`byte ${within} of piece ${piece} is ${byte}`));
        }
        if (++within < pieces[piece].length) continue;
        piece++;
        within = 0;
      }
    });
    socket.on("end", () => resolve());
    socket.on("error", reject);
  });
  assert.equal(at, size);
  socket.destroy();
  listener.close();
});

test("writes of two connections in turn reach their slow clients in order", async () => {
  const connections: Connection[] = [];
  const listener = await listenSockets(LOCAL, (connection) => {
    connections.push(connection);
    return { data() {}, ended() {}, drained() {}, closed() {} };
  });
  const sockets = [await dial({ port: listener.port }), await dial({ port: listener.port })];
  while (connections.length < 2) await sleep(1);
  const size = 1000;
  const turns = 6000;
  for (let turn = 0; turn < turns; turn++) {
    for (const connection of connections) {
      connection.write(new Uint8Array(size).fill(turn));
      connection.write(new Uint8Array(size).fill(turn));
    }
    for (const connection of connections) connection.write(new Uint8Array(size).fill(turn));
    if (turn % 100 === 0) await sleep(1);
  }
  for (const socket of sockets) {
    let at = 0;
    await new Promise<void>((resolve, reject) => {
      socket.on("data", (data) => {
        for (const byte of data as Uint8Array) {
          if (byte !== Math.floor(at++ / (3 * size)) % 256) reject(new Error(`byte ${at}`));
        }
        if (at === 3 * size * turns) resolve();
      });
    });
    socket.destroy();
  }
  listener.close();
});
