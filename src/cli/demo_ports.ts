/**
 * Looking whether a port is free before much is done for it.
 *
 * @module
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { CommandError } from "./errors.ts";

/**
 * Does nothing if `port` can be listened on now; port 0 always can.
 *
 * @throws {CommandError} which names the flag that takes another port.
 */
export async function assertPortIsFree(port: number, service: string, flag: string): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, "0.0.0.0");
    await once(server, "listening");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "EADDRINUSE"
      ? "another program listens there"
      : (cause as Error).message;
    throw new CommandError(
      `Cannot serve ${service} on port ${port}: ${why}. Choose another port with ` +
        `${flag}=<port>, or take any free one with ${flag}=0.`,
    );
  }
  server.close();
  await once(server, "close");
}
