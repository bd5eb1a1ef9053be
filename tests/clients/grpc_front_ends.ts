/**
 * More gRPC front ends for clients: with TLS, with certificates of clients, and with pings.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KServeGrpc, type Server } from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { TRANSPORT } from "../support/grpc_transport.ts";
import type { Ports } from "./python.ts";

/** What {@link startSecureFrontEnds} started. Stopping the server stops them. */
export interface SecureFrontEnds {
  /** Also `certificates`, the folder with `ca.crt`, and `client.crt` with its key. */
  readonly ports: Ports;
  /** Removes the certificates. */
  forget(): void;
}

/** Starts them for `server`. */
export async function startSecureFrontEnds(server: Server): Promise<SecureFrontEnds> {
  const certificates = mkdtempSync(join(tmpdir(), "triton-ts-certificates-"));
  makeCertificates(certificates, ["server", "client"]);
  const local = { address: "127.0.0.1", port: 0, transport: TRANSPORT };
  const tls = {
    ...local,
    useSsl: true,
    serverCert: join(certificates, "server.crt"),
    serverKey: join(certificates, "server.key"),
    rootCert: join(certificates, "ca.crt"),
  };
  const encrypted = await KServeGrpc.start(server, tls);
  const mutual = await KServeGrpc.start(server, { ...tls, useMutualAuth: true });
  const pinged = await KServeGrpc.start(server, {
    ...local,
    keepaliveTimeMs: 200,
    keepalivePermitWithoutCalls: true,
    http2MaxPingsWithoutData: 0,
    http2MinRecvPingIntervalWithoutDataMs: 50,
  });
  const strict = await KServeGrpc.start(server, { ...local, http2MaxPingStrikes: 1 });
  return {
    ports: {
      tls_grpc: encrypted.port,
      mutual_tls_grpc: mutual.port,
      keepalive_grpc: pinged.port,
      strict_grpc: strict.port,
      certificates,
    },
    forget: () => rmSync(certificates, { recursive: true }),
  };
}
