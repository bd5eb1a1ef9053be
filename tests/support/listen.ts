/** A program that listens and ends, for the test of Deno's permissions. */
import { listenSockets } from "../../src/net/sockets.ts";

const receiver = { data() {}, ended() {}, drained() {}, closed() {} };
const listener = await listenSockets({ hostname: "127.0.0.1", port: 0 }, () => receiver);
console.log("listens");
listener.close();
