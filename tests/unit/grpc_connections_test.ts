/**
 * What KServeGrpc does with connections: TLS, certificates of clients, age, pings.
 *
 * @module
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FrameType, PREFACE } from "../../src/grpc/h2/frames.ts";
import { KServeGrpc } from "../../src/grpc/kserve_grpc.ts";
import type { KServeGrpcOptions } from "../../src/grpc/options.ts";
import { makeCertificates } from "../support/certificates.ts";
import { FakeGrpcEngine } from "../support/fake_grpc_engine.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";
import { frame, join as joinBytes } from "../support/h2_peer.ts";

/** The gRPC status of ServerLive; -1 when there is no connection. */
async function live(frontend: KServeGrpc, tls?: SecureClientSessionOptions): Promise<number> {
  await using client = new RawGrpcClient(frontend.port, tls);
  const path = "/inference.GRPCInferenceService/ServerLive";
  return (await client.call({ path, messages: [new Uint8Array(0)] })).code;
}

describe("KServeGrpc: TLS", () => {
  it("shows its certificate, and asks for one where it shall", async () => {
    const folder = mkdtempSync(join(tmpdir(), "triton-grpc-tls-"));
    makeCertificates(folder, ["server", "client"]);
    const file = (name: string) => join(folder, name);
    const read = (name: string) => readFileSync(file(name), "utf8");
    const options: KServeGrpcOptions = {
      address: "127.0.0.1",
      port: 0,
      transport: TRANSPORT,
      useSsl: true,
      serverCert: file("server.crt"),
      serverKey: file("server.key"),
      rootCert: file("ca.crt"),
    };
    const trusting = { ca: read("ca.crt") };
    const known = { ...trusting, cert: read("client.crt"), key: read("client.key") };
    const engine = new FakeGrpcEngine();
    {
      await using frontend = await KServeGrpc.start(engine, options);
      assert.equal(await live(frontend, trusting), 0);
      assert.equal(await live(frontend), -1);
    }
    {
      await using frontend = await KServeGrpc.start(engine, { ...options, useMutualAuth: true });
      assert.equal(await live(frontend, known), 0);
      assert.equal(await live(frontend, trusting), -1);
    }
    rmSync(folder, { recursive: true });
  });

  it("takes renewed certificates for new connections, and keeps the old connections", async () => {
    const folder = mkdtempSync(join(tmpdir(), "triton-grpc-renewed-"));
    makeCertificates(folder, ["server", "renewed"]);
    const file = (name: string) => join(folder, name);
    const serialOf = (name: string) =>
      new X509Certificate(readFileSync(file(name), "utf8")).serialNumber;
    const [first, second] = [serialOf("server.crt"), serialOf("renewed.crt")];
    const ca = readFileSync(file("ca.crt"), "utf8");
    await using frontend = await KServeGrpc.start(new FakeGrpcEngine(), {
      address: "127.0.0.1",
      port: 0,
      useSsl: true,
      serverCert: file("server.crt"),
      serverKey: file("server.key"),
      certificateReloadMs: 20,
    });
    await using client = new RawGrpcClient(frontend.port, { ca });
    assert.equal((await client.call(LIVE)).code, 0);
    assert.equal(await serialShown(frontend.port, ca), first);
    copyFileSync(file("renewed.crt"), file("server.crt"));
    copyFileSync(file("renewed.key"), file("server.key"));
    for (let i = 0; i < 100 && await serialShown(frontend.port, ca) === first; i++) await sleep(20);
    assert.equal(await serialShown(frontend.port, ca), second);
    assert.equal((await client.call(LIVE)).code, 0);
    rmSync(folder, { recursive: true });
  });
});

/** The serial number of the certificate that a server shows. */
function serialShown(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"] }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("KServeGrpc: connections", () => {
  it("asks old connections to go and lets their calls finish", async () => {
    const engine = new FakeGrpcEngine();
    await using frontend = await KServeGrpc.start(engine, {
      address: "127.0.0.1",
      port: 0,
      transport: TRANSPORT,
      maxConnectionAgeMs: 100,
      keepaliveTimeMs: 20,
      keepalivePermitWithoutCalls: true,
    });
    await using client = new RawGrpcClient(frontend.port);
    const watch = client.call({
      path: "/grpc.health.v1.Health/Watch",
      messages: [new Uint8Array(0)],
      cancel: sleep(400),
    });
    await sleep(200);
    const path = "/inference.GRPCInferenceService/ServerLive";
    const refused = await client.call({ path, messages: [new Uint8Array(0)] });
    assert.equal(refused.code, -1);
    assert.equal((await watch).messages.length, 1);
    assert.equal(await live(frontend), 0);
  });

  it("listens on a Unix domain socket, and removes it at the end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "triton-grpc-unix-"));
    const path = join(folder, "socket");
    {
      await using frontend = await KServeGrpc.start(new FakeGrpcEngine(), {
        address: `unix:${path}`,
        transport: TRANSPORT,
      });
      assert.deepEqual([frontend.address, frontend.port], [`unix:${path}`, 0]);
      await using client = new RawGrpcClient(path);
      assert.equal((await client.call(LIVE)).code, 0);
    }
    assert.ok(!existsSync(path));
    rmSync(folder, { recursive: true });
  });

  it("shares a port where it shall", async () => {
    const options = { address: "127.0.0.1", port: 0, transport: TRANSPORT, reusePort: true };
    const engine = new FakeGrpcEngine();
    await using first = await KServeGrpc.start(engine, options);
    await using second = await KServeGrpc.start(engine, { ...options, port: first.port });
    assert.equal(second.port, first.port);
    for (let i = 0; i < 10; i++) assert.equal(await live(first), 0);
  });

  it("closes connections that speak HTTP/1", async () => {
    await using frontend = await startPlain();
    const socket = connect(frontend.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await closed(socket);
    assert.equal(await live(frontend), 0);
  });

  it("ends a connection that opens and resets streams for nothing, and serves the others", async () => {
    await using frontend = await startPlain();
    await using other = new RawGrpcClient(frontend.port);
    assert.equal((await other.call(LIVE)).code, 0);
    const socket = connect(frontend.port, "127.0.0.1");
    // POST, http, a method that waits for a message, content-type.
    const path = bytesOf("/inference.GRPCInferenceService/ModelInfer");
    const type = bytesOf("application/grpc");
    const block = Uint8Array.of(
      0x83,
      0x86,
      4,
      path.length,
      ...path,
      0x0f,
      16,
      type.length,
      ...type,
    );
    const pieces = [PREFACE, frame(FrameType.SETTINGS, 0, 0)];
    for (let id = 1; id < 20_000; id += 2) {
      pieces.push(frame(FrameType.HEADERS, 4, id, block));
      pieces.push(frame(FrameType.RST_STREAM, 0, id, Uint8Array.of(0, 0, 0, 8)));
    }
    socket.write(joinBytes(pieces));
    await closed(socket);
    assert.equal((await other.call(LIVE)).code, 0);
  });

  it("holds a client's flood of pings up that it does not read answers of", async () => {
    await using frontend = await startPlain({ http2MaxPingStrikes: 0 });
    const socket = connect(frontend.port, "127.0.0.1").pause();
    const ping = frame(FrameType.PING, 0, 0, new Uint8Array(8));
    socket.write(joinBytes([PREFACE, frame(FrameType.SETTINGS, 0, 0)]));
    const many = joinBytes(Array.from({ length: 10_000 }, () => ping));
    const gone = closed(socket);
    for (let i = 0; i < 100 && !socket.destroyed; i++) {
      socket.write(many);
      await sleep(1);
    }
    socket.resume();
    await gone;
    assert.equal(await live(frontend), 0);
  });
});

const LIVE = {
  path: "/inference.GRPCInferenceService/ServerLive",
  messages: [new Uint8Array(0)],
};

const bytesOf = (text: string) => new TextEncoder().encode(text);

function startPlain(options: KServeGrpcOptions = {}): Promise<KServeGrpc> {
  return KServeGrpc.start(new FakeGrpcEngine(), { address: "127.0.0.1", port: 0, ...options });
}

/** Resolves when the socket is closed, in whichever way. */
function closed(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
