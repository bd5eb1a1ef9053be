/**
 * A port for the tests that choose one themselves.
 *
 * @module
 */
import { createServer } from "node:net";

/** Below the ports that Linux gives to outgoing connections, so that none takes it meanwhile. */
const RANGE = { from: 20_000, to: 32_000 };

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}
