/**
 * Sends bytes to an HTTP/2 server and judges what comes back, as a client that nobody asked would see it.
 *
 * @module
 */
import { connect } from "node:net";
import { FrameType, HEADER_SIZE, uint32 } from "../../src/grpc/h2/frames.ts";
import { HpackDecoder } from "../../src/grpc/h2/hpack_decoder.ts";
import { framesOf } from "./h2_recordings.ts";
import { concat } from "./wire.ts";

/** What to send, and how. */
export interface H2Mutant {
  readonly bytes: Uint8Array;
  /** Goes away as soon as everything is sent. */
  readonly closeAtOnce?: boolean;
  /** Sends each byte by itself. */
  readonly dribble?: boolean;
}

/** How a server ended a mutant. */
export interface H2Outcome {
  /** What is wrong with what the server did; undefined when nothing is. */
  readonly fault?: string;
  /** What came first: a gRPC status, RST_STREAM, GOAWAY, or just the end of the connection. */
  readonly how: "status" | "reset" | "goaway" | "close";
}

/** How long a server may wait for more from the client. */
const PATIENCE_MS = 250;
/** How long it may take to close a connection that its client has half closed. */
const LIMIT_MS = 20_000;

/** Everything that the server sent, and what it means. */
class Received {
  readonly #parts: Uint8Array[] = [];

  add(part: Uint8Array): void {
    this.#parts.push(part);
  }

  /** The first end that came; throws for what is not HTTP/2. */
  read(): H2Outcome["how"] | undefined {
    const bytes = concat(this.#parts);
    const decoder = new HpackDecoder();
    let how: H2Outcome["how"] | undefined;
    for (const { type, flags, payload, stream } of wholeFrames(bytes)) {
      if (type > FrameType.CONTINUATION) throw new Error(`a frame of type ${type}`);
      if (type === FrameType.HEADERS) {
        if ((flags & 4) === 0) throw new Error("a header block in pieces");
        const fields = decoder.decode(payload, 0, payload.length, 1 << 20);
        if (fields?.includes("grpc-status")) how ??= "status";
        if (fields?.[0] !== ":status" && !fields?.includes("grpc-status")) {
          throw new Error(`headers ${fields}`);
        }
      }
      if (type === FrameType.RST_STREAM) how ??= "reset";
      if (type === FrameType.GOAWAY) how ??= "goaway";
      const isOfConnection = type === FrameType.SETTINGS || type === FrameType.PING ||
        type === FrameType.GOAWAY;
      if (isOfConnection && stream !== 0) throw new Error(`type ${type} on stream ${stream}`);
      const isOfStream = type === FrameType.DATA || type === FrameType.HEADERS ||
        type === FrameType.RST_STREAM;
      if (isOfStream && stream % 2 === 0) throw new Error(`type ${type} on stream ${stream}`);
    }
    return how;
  }
}

function wholeFrames(bytes: Uint8Array): ReturnType<typeof framesOf> {
  const frames = framesOf(bytes);
  const [first] = frames;
  if (first && (first.type !== FrameType.SETTINGS || (first.flags & 1) !== 0)) {
    throw new Error(`no SETTINGS at first but type ${first.type}`);
  }
  // The last one may be cut short by a reset.
  const size = frames.reduce((sum, { payload }) => sum + HEADER_SIZE + payload.length, 0);
  const last = frames.at(-1);
  const isCut = last && uint32(bytes, size - HEADER_SIZE - last.payload.length) >>> 8 !==
      last.payload.length;
  return isCut ? frames.slice(0, -1) : frames;
}

/** Sends a mutant on a connection of its own; half closes it after an answer, or when none comes. */
export function exchangeH2(port: number, mutant: H2Mutant): Promise<H2Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const received = new Received();
    let how: H2Outcome["how"] | undefined;
    let isOver = false;
    let pause: ReturnType<typeof setTimeout> | undefined;
    const finish = (fault?: string) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(limit);
      clearTimeout(pause);
      socket.destroy();
      try {
        how ??= received.read() ?? "close";
        resolve({ fault, how });
      } catch (error) {
        resolve({ fault: (error as Error).message, how: "close" });
      }
    };
    const limit = setTimeout(() => finish("the connection stayed open"), LIMIT_MS);
    socket.on("connect", () => {
      if (mutant.dribble) { for (const byte of mutant.bytes) socket.write(Uint8Array.of(byte)); }
      else socket.write(mutant.bytes);
      if (mutant.closeAtOnce) socket.write("", () => finish());
      else pause = setTimeout(() => socket.end(), PATIENCE_MS);
    });
    socket.on("data", (data: Uint8Array) => {
      received.add(data);
      if (how !== undefined) return;
      try {
        how = received.read();
      } catch (error) {
        finish((error as Error).message);
      }
      if (how === undefined) return;
      clearTimeout(pause);
      // What else there is to say may still come.
      pause = setTimeout(() => socket.end(), 5);
    });
    socket.on("end", () => finish());
    socket.on("error", () => finish());
    socket.on("close", () => finish());
  });
}
