/**
 * Writes replies to a connection.
 *
 * @module
 */
import type { Connection } from "../net/connection.ts";
import type { Head } from "./head.ts";
import type { HttpReply, HttpSink, HttpStream } from "./message.ts";
import { putHead, type ReplyHead, replyHead } from "./reply_head.ts";

/** Bodies up to this size are copied behind their head, to be sent with it. */
const SMALL_BODY = 16 << 10;

const NOTHING: readonly Uint8Array[] = [];
const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");

/** Writes a reply whose body is known. `connection` is what it says of the connection. */
export function writeReply(
  target: Connection,
  head: Head,
  { status, fields, body, isChunked = false, onSent }: HttpReply,
  connection: string | undefined,
): void {
  const parts = body instanceof Uint8Array ? [body] : body as readonly Uint8Array[];
  let length = 0;
  for (const part of parts) length += part.length;
  const hasBody = head.method !== "HEAD";
  if (isChunked && head.isVersion11 && hasBody) {
    write(target, replyHead(status, fields, connection, "chunked"), NOTHING, 0);
    for (const part of parts) if (part.length > 0) writeChunk(target, part);
    target.write(LAST_CHUNK, onSent);
    return;
  }
  // As Triton: an answer to HTTP/1.0 that is empty and ends its connection says no length.
  const framing = length === 0 && !head.isVersion11 && !head.keepAlive ? "none" : length;
  const replied = replyHead(status, fields, connection, framing);
  if (!hasBody || length <= SMALL_BODY) {
    write(target, replied, hasBody ? parts : NOTHING, hasBody ? length : 0);
    onSent?.();
    return;
  }
  write(target, replied, NOTHING, 0);
  const last = parts.findLastIndex((part) => part.length > 0);
  for (let index = 0; index <= last; index++) {
    target.write(parts[index], index === last ? onSent : undefined);
  }
}

/** Writes a head and `parts`, which have `length` bytes, as one. */
function write(
  target: Connection,
  head: ReplyHead,
  parts: readonly Uint8Array[],
  length: number,
): void {
  const size = head.size + length;
  const room = target.reserve(size);
  const bytes = room < 0 ? new Uint8Array(size) : target.batch;
  let at = putHead(head, bytes, room < 0 ? 0 : room);
  for (let index = 0; index < parts.length; index++) {
    bytes.set(parts[index], at);
    at += parts[index].length;
  }
  if (room < 0) target.write(bytes);
}

function writeChunk(target: Connection, bytes: Uint8Array): void {
  const size = `${bytes.length.toString(16)}\r\n`;
  if (bytes.length > SMALL_BODY) {
    target.write(ascii(size, 0));
    target.write(bytes);
    target.write(ascii("\r\n", 0));
    return;
  }
  const chunk = ascii(size, bytes.length + 2);
  chunk.set(bytes, size.length);
  chunk[chunk.length - 2] = 13;
  chunk[chunk.length - 1] = 10;
  target.write(chunk);
}

function ascii(text: string, room: number): Uint8Array {
  const bytes = new Uint8Array(text.length + room);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** A body that is being streamed. */
export class StreamedBody implements HttpSink {
  readonly #target: Connection;
  readonly #isChunked: boolean;
  readonly #onEnd: () => void;
  #onDrained: (() => void) | undefined;
  #isOver = false;

  /** `onEnd` is called when the body was written to its end. */
  constructor(target: Connection, head: Head, onEnd: () => void) {
    this.#target = target;
    this.#isChunked = head.isVersion11;
    this.#onEnd = onEnd;
  }

  /** Writes the head of the reply, then lets `body` write. */
  begin({ status, fields }: HttpReply, body: HttpStream, connection: string | undefined): void {
    const framing = this.#isChunked ? "chunked" : "none";
    write(this.#target, replyHead(status, fields, connection, framing), NOTHING, 0);
    body(this);
  }

  get unsent(): number {
    return this.#target.unsent;
  }

  write(bytes: Uint8Array): void {
    // An empty chunk would end the body.
    if (this.#isOver || bytes.length === 0) return;
    if (this.#isChunked) writeChunk(this.#target, bytes);
    else this.#target.write(bytes);
  }

  onDrained(listener: () => void): void {
    this.#onDrained = listener;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isChunked) this.#target.write(LAST_CHUNK);
    this.#onEnd();
  }

  /** The client has taken everything. */
  drained(): void {
    this.#onDrained?.();
  }

  /** The client has gone. */
  gone(): void {
    this.#isOver = true;
  }
}
