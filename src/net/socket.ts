/**
 * A plain connection: TCP or a Unix domain socket, through the bridge.
 *
 * @module
 */
import { constants } from "node:os";
import type { Settled } from "../settled.ts";
import type { Connection, ConnectionReceiver } from "./connection.ts";
import { type Loop, type Sender, SocketEvent, Watch, type Watched } from "./loop.ts";

interface Piece {
  bytes: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

/** Memory that the next bytes are read into. */
interface Target {
  bytes: Uint8Array;
  readonly onFull: () => void;
}

/** After the last byte was sent, the peer has so long to close as well before it is cut off; */
const LINGER_MS = 1000;
/** and while it still sends, so much longer. */
const MAX_LINGER_MS = 30_000;
/** The most that one call reads or sends, so that others get their turn. */
const MAX_READ = 1 << 30;
const MAX_SEND = 4 << 20;

const { EAGAIN } = constants.errno;

/** One accepted connection. */
export class Socket implements Connection, Watched, Sender {
  stagedIn = -1;
  readonly socket: number;
  readonly remoteAddress: string;
  readonly alpn: string | undefined = undefined;
  readonly #loop: Loop;
  readonly #onClosed: (() => void) | undefined;
  readonly #pieces: Piece[] = [];
  #receiver: ConnectionReceiver | undefined;
  #target: Target | undefined;
  #unsent = 0;
  #interest: number = Watch.READ;
  #isFlushDue = false;
  #isWaiting = false;
  #isPaused = false;
  #hasEnded = false;
  #isEnding = false;
  #isClosed = false;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #lingerEnd = 0;

  /** `onClosed` is called once, when the socket is about to be closed. */
  constructor(loop: Loop, socket: number, remoteAddress: string, onClosed?: () => void) {
    this.#loop = loop;
    this.#onClosed = onClosed;
    this.socket = socket;
    this.remoteAddress = remoteAddress;
    loop.add(socket, this);
  }

  /** Says what happens to `receiver`; must be called at once. */
  attach(receiver: ConnectionReceiver): void {
    this.#receiver = receiver;
  }

  get unsent(): number {
    return this.#unsent;
  }

  get batch(): Uint8Array {
    return this.#loop.batch;
  }

  reserve(size: number): number {
    // What waits already goes first.
    if (this.#pieces.length > 0 || this.#isClosed || this.#isEnding) return -1;
    const at = this.#loop.reserve(this, size);
    if (at >= 0) this.#unsent += size;
    return at;
  }

  write(bytes: Uint8Array, onSent?: () => void): void {
    if (this.#isClosed || this.#isEnding || bytes.length === 0) {
      if (onSent !== undefined) queueMicrotask(onSent);
      return;
    }
    const at = this.reserve(bytes.length);
    if (at >= 0) {
      this.#loop.batch.set(bytes, at);
      onSent?.();
      return;
    }
    this.#pieces.push({ bytes, onSent });
    this.#unsent += bytes.length;
    if (this.#isFlushDue || this.#isWaiting) return;
    this.#isFlushDue = true;
    this.#loop.flushLater(this);
  }

  pause(paused: boolean): void {
    this.#isPaused = paused;
    this.#watch();
  }

  readInto(target: Uint8Array, onFull: () => void): void {
    this.#target = { bytes: target, onFull };
    this.#watch();
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#isPaused = false;
    this.#target = undefined;
    this.#watch();
    if (this.#unsent === 0) this.#finish();
  }

  destroy(): void {
    this.#close();
  }

  onEvent(kind: number, _socket: number, bytes: Uint8Array): Settled {
    switch (kind) {
      case SocketEvent.DATA:
        if (!this.#isEnding) return this.#receiver?.data(bytes);
        if (this.#linger !== undefined) this.#lingerOn();
        break;
      case SocketEvent.READABLE:
        this.#fillTarget();
        break;
      case SocketEvent.ENDED:
        this.#end();
        break;
      case SocketEvent.WRITABLE:
        this.send();
        break;
      default:
        this.#close();
    }
  }

  taken(result: number, batch: Uint8Array, start: number, end: number): void {
    if (this.#isClosed) return;
    if (result < 0 && result !== -EAGAIN) return this.#close();
    const sent = Math.max(result, 0);
    this.#unsent -= sent;
    if (sent === end - start) return;
    this.#pieces.unshift({ bytes: batch.slice(start + sent, end), onSent: undefined });
  }

  send(): void {
    this.#isFlushDue = false;
    for (let sent = 0; sent < MAX_SEND && this.#pieces.length > 0 && !this.#isClosed;) {
      const { bytes } = this.#pieces[0];
      const size = Math.min(bytes.length, MAX_SEND);
      const more = this.#pieces.length > 1 ? 1 : 0;
      const result = this.#loop.bridge.tts_net_write(this.socket, bytes, size, more);
      if (result < 0 && result !== -EAGAIN) return this.#close();
      if (result > 0) this.#remove(result);
      if (result < size) break;
      sent += size;
    }
    this.settle();
  }

  /** Takes `size` bytes off the front of what waits. */
  #remove(size: number): void {
    this.#unsent -= size;
    let done = 0;
    while (size > 0) {
      const piece = this.#pieces[done];
      if (piece.bytes.length > size) {
        piece.bytes = piece.bytes.subarray(size);
        break;
      }
      size -= piece.bytes.length;
      done++;
    }
    for (const { onSent } of this.#pieces.splice(0, done)) onSent?.();
  }

  /** After sending: waits for the peer to read, or goes on. */
  settle(): void {
    // What waits is about to be sent.
    if (this.#isClosed || this.#isFlushDue) return;
    const wasWaiting = this.#isWaiting;
    this.#isWaiting = this.#unsent > 0;
    if (this.#isWaiting !== wasWaiting) this.#watch();
    if (this.#isWaiting) return;
    if (this.#isEnding) this.#finish();
    else this.#receiver?.drained();
  }

  #fillTarget(): void {
    const target = this.#target;
    if (target === undefined) return;
    const { bytes, onFull } = target;
    const size = Math.min(bytes.length, MAX_READ);
    const length = this.#loop.bridge.tts_net_read(this.socket, bytes, size);
    if (length === -EAGAIN) return;
    if (length < 0) return this.#close();
    if (length === 0) return this.#end();
    target.bytes = bytes.subarray(length);
    if (length < bytes.length) return;
    this.#target = undefined;
    this.#watch();
    onFull();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#watch();
    if (!this.#isEnding) this.#receiver?.ended();
    else if (this.#unsent === 0) this.#close();
  }

  /** Everything was sent: says so, and waits a moment for the peer to close as well. */
  #finish(): void {
    if (this.#hasEnded) return this.#close();
    this.#loop.bridge.tts_net_finish(this.socket);
    this.#lingerEnd = Date.now() + MAX_LINGER_MS;
    this.#lingerOn();
  }

  /** What comes now is thrown away, so that the peer gets what was sent before the end. */
  #lingerOn(): void {
    clearTimeout(this.#linger);
    const left = this.#lingerEnd - Date.now();
    this.#linger = setTimeout(() => this.#close(), Math.min(LINGER_MS, left));
  }

  #watch(): void {
    if (this.#isClosed) return;
    const interest = (this.#isPaused || this.#hasEnded ? 0 : Watch.READ) |
      (this.#isWaiting ? Watch.WRITE : 0) | (this.#target === undefined ? 0 : Watch.ONLY);
    if (interest === this.#interest) return;
    this.#interest = interest;
    this.#loop.watch(this.socket, interest);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#linger);
    this.#onClosed?.();
    this.#loop.close(this.socket);
    this.#unsent = 0;
    this.#target = undefined;
    const pieces = this.#pieces.splice(0);
    const receiver = this.#receiver;
    queueMicrotask(() => {
      for (const { onSent } of pieces) onSent?.();
      receiver?.closed();
    });
  }
}
