/**
 * The clients of the memory cases: many connections, and what they ask.
 *
 * @module
 */
import { H2Client } from "../tests/support/h2_client.ts";
import { INFER } from "../tests/support/infer_messages.ts";
import { binaryInference, floats, inferMessage } from "./bodies.ts";
import { HttpConnection, httpRequest } from "./http_connection.ts";
import type { BenchServer } from "./servers.ts";

const WARM_UP = { connections: 20, requests: 50 };

/** An inference by HTTP. */
export function httpInfer(
  values: Float32Array,
  parameters: Readonly<Record<string, number>> = {},
): Uint8Array {
  return httpRequest("/v2/models/echo/infer", binaryInference(values, parameters));
}

/** A gRPC call with one message and one answer, which must end well. */
export async function call(client: H2Client, path: string, message: Uint8Array): Promise<void> {
  const { code, message: reason } = await client.unary(path, message);
  if (code !== 0) throw new Error(`${path}: status ${code} ${reason}`);
}

export function openHttp({ httpPort }: BenchServer, count: number): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: count }, () => HttpConnection.open(httpPort)));
}

export function openGrpc({ grpcPort }: BenchServer, count: number): Promise<H2Client[]> {
  return Promise.all(Array.from({ length: count }, () => H2Client.open(grpcPort)));
}

export function closeHttp(connections: readonly HttpConnection[]): void {
  for (const connection of connections) connection.close();
}

export function closeGrpc(clients: readonly H2Client[]): void {
  for (const client of clients) client.leave("reset");
}

/** Lets a server make what it makes once: two thousand inferences. */
export async function warmUp(server: BenchServer): Promise<void> {
  const connections = await openHttp(server, WARM_UP.connections);
  const clients = await openGrpc(server, WARM_UP.connections);
  const [http, grpc] = [httpInfer(floats(16)), inferMessage("echo", floats(16))];
  for (let i = 0; i < WARM_UP.requests; i++) {
    await Promise.all(connections.map((connection) => connection.ask(http)));
    await Promise.all(clients.map((client) => call(client, INFER, grpc)));
  }
  closeHttp(connections);
  closeGrpc(clients);
}
