/**
 * The server that Connect's conformance runner starts, once for each kind of server that it wants. It is
 * told by a message on the standard input which kind, says on the standard output where it listens, and
 * serves until it is ended.
 *
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readSync, writeSync } from "node:fs";
import { H2Transport } from "../../src/grpc/transport_h2.ts";
import { Http1Server } from "../../src/http1/server.ts";
import { DEFAULTS } from "../support/h2_peer.ts";
import { serveConformance } from "./connect_grpc.ts";
import { answerConformance } from "./connect_web.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
  type TLSCreds,
} from "./proto/gen/conformance_pb.ts";

/** The number of HTTP/1 in the runner's HTTPVersion. */
const HTTP_VERSION_1 = 1;
const HOST = DEFAULTS.address;

function readExactly(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = readSync(0, bytes, at, length - at, null);
    if (count === 0) throw new Error("The runner has closed its end");
    at += count;
  }
  return bytes;
}

function readMessage(): Uint8Array {
  const prefix = readExactly(4);
  return readExactly(new DataView(prefix.buffer).getUint32(0));
}

function writeMessage(message: Uint8Array): void {
  const bytes = new Uint8Array(4 + message.length);
  new DataView(bytes.buffer).setUint32(0, message.length);
  bytes.set(message, 4);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

async function listenHttp1(): Promise<number> {
  const cut = { status: 503, fields: [], body: new Uint8Array(0) };
  const where = { hostname: HOST, port: 0, reusePort: false };
  return (await Http1Server.listen(where, answerConformance, cut)).port;
}

async function listenH2(credentials: TLSCreds | undefined): Promise<number> {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const tls = credentials && { cert: text(credentials.cert), key: text(credentials.key) };
  return await new H2Transport({ ...DEFAULTS, tls }, serveConformance).listen();
}

const wanted = fromBinary(ServerCompatRequestSchema, readMessage());
const credentials = wanted.useTls ? wanted.serverCreds : undefined;
const port = wanted.httpVersion === HTTP_VERSION_1
  ? await listenHttp1()
  : await listenH2(credentials);
const answer = create(ServerCompatResponseSchema, { host: HOST, port, pemCert: credentials?.cert });
writeMessage(toBinary(ServerCompatResponseSchema, answer));
