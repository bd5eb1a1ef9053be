/**
 * How many threads the front ends of a test have: one, or what the environment variable FRONTEND_THREADS
 * says. `run.ts` runs some tests with both.
 *
 * @module
 */
import { connect } from "node:net";
import process from "node:process";

/** The option `threads` of the front ends. */
export const THREADS = Number(process.env.FRONTEND_THREADS ?? 1);

const HELLOS = {
  http: "GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
  // The preface of HTTP/2 and empty settings.
  grpc: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
};

/**
 * Gives the main thread a connection that stays open, so that connections which follow one another all go to
 * another thread. Does nothing when there is only one.
 */
export async function occupyMainThread(kind: keyof typeof HELLOS, port: number): Promise<void> {
  if (THREADS === 1) return;
  const socket = connect(port, "127.0.0.1");
  // It goes with the server.
  socket.on("error", () => {});
  socket.unref();
  await new Promise((resolve) => {
    socket.once("data", resolve);
    socket.write(HELLOS[kind], "latin1");
  });
}
