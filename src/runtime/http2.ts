/**
 * What differs between the runtimes' `node:http2`.
 *
 * @module
 */
import process from "node:process";

/**
 * Bun (seen on 1.4.5) at times forgets to go on sending when a client that was slow takes data again:
 * frames then wait in the session for ever. Any other frame, such as a ping, sets it going.
 */
export const FORGETS_TO_SEND: boolean = process.versions.bun !== undefined;
