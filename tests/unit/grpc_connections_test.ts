/**
 * What KServeGrpc does with connections: TLS, certificates of clients, age, pings.
 *
 * @module
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KServeGrpc } from "../../src/grpc/kserve_grpc.ts";
import type { KServeGrpcOptions } from "../../src/grpc/options.ts";
import { FakeGrpcEngine } from "../support/fake_grpc_engine.ts";
import { RawGrpcClient } from "../support/grpc_raw.ts";

/** Makes an authority, and certificates from it for a server and a client, as files in `folder`. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const subject = (name: string) => ["-subj", `/CN=${name}`];
  const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
  openssl("req", "-x509", ...key("ca"), "-out", "ca.crt", "-days", "2", ...subject("authority"));
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1");
  for (const name of ["server", "client"]) {
    openssl("req", ...key(name), "-out", `${name}.csr`, ...subject(name));
    const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    const output = ["-out", `${name}.crt`, "-days", "2", "-extfile", "names"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...authority, ...output);
  }
}

/** The gRPC status of ServerLive; -1 when there is no connection. */
async function live(frontend: KServeGrpc, tls?: SecureClientSessionOptions): Promise<number> {
  await using client = new RawGrpcClient(frontend.port, tls);
  const path = "/inference.GRPCInferenceService/ServerLive";
  return (await client.call({ path, messages: [new Uint8Array(0)] })).code;
}

describe("KServeGrpc: TLS", () => {
  it("shows its certificate, and asks for one where it shall", async () => {
    const folder = mkdtempSync(join(tmpdir(), "triton-grpc-tls-"));
    makeCertificates(folder);
    const file = (name: string) => join(folder, name);
    const read = (name: string) => readFileSync(file(name), "utf8");
    const options: KServeGrpcOptions = {
      address: "127.0.0.1",
      port: 0,
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
});

describe("KServeGrpc: connections", () => {
  it("asks old connections to go and lets their calls finish", async () => {
    const engine = new FakeGrpcEngine();
    await using frontend = await KServeGrpc.start(engine, {
      address: "127.0.0.1",
      port: 0,
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
});
