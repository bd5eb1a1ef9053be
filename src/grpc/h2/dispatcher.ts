/**
 * What each frame of a client does.
 *
 * @module
 */
import type { StreamHandler } from "../transport.ts";
import type { AbuseLimits } from "./abuse.ts";
import type { FrameHeader } from "./frame_parser.ts";
import { ConnectionError, ErrorCode, Flag, FrameType, MAX_31, uint31, uint32 } from "./frames.ts";
import { HeaderBlocks } from "./header_blocks.ts";
import type { StreamRegistry } from "./registry.ts";
import type { RequestHead } from "./request_head.ts";
import { CONNECTION_WINDOW, MAX_STREAMS } from "./settings.ts";
import { H2Stream, type StreamOwner } from "./stream.ts";

/** The connection that the frames belong to. */
export interface DispatchContext {
  readonly owner: StreamOwner;
  readonly streams: StreamRegistry;
  readonly limits: AbuseLimits;
  /** The client has sent a ping. */
  pinged(): void;
  /** The client has answered a ping. */
  pong(payload: Uint8Array): void;
  /** Whether a new stream is still served. */
  accepts(id: number): boolean;
  /** The client has given the stream up. */
  drop(stream: H2Stream): void;
}

/** A header block that goes on in further frames. */
interface OpenBlock {
  readonly stream: number;
  readonly flags: number;
  readonly isSelfDependent: boolean;
  readonly bytes: Uint8Array;
  size: number;
}

/** The longest header block. */
const MAX_BLOCK = 65536;

/** Acts on the frames of one connection. Throws {@link ConnectionError} for what ends it. */
export class FrameDispatcher {
  readonly #context: DispatchContext;
  readonly #onStream: StreamHandler;
  readonly #blocks = new HeaderBlocks();
  #block: OpenBlock | undefined;
  #hasSettings = false;
  /** Bytes that the client may still send on all streams together. */
  #window = CONNECTION_WINDOW;

  /** `onStream` is called for each well-formed request. */
  constructor(context: DispatchContext, onStream: StreamHandler) {
    this.#context = context;
    this.#onStream = onStream;
  }

  /** Acts on a frame, whose payload lies from `start` to `end`. */
  frame(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { type, stream } = header;
    if (this.#block !== undefined) {
      if (type !== FrameType.CONTINUATION || stream !== this.#block.stream) {
        throw violation("header block not finished");
      }
      this.#continue(this.#block, header, bytes, start, end);
      return;
    }
    if (!this.#hasSettings && type !== FrameType.SETTINGS) throw violation("no SETTINGS");
    switch (type) {
      case FrameType.DATA:
        return this.#data(header, bytes, start, end);
      case FrameType.HEADERS:
        return this.#headers(header, bytes, start, end);
      case FrameType.PRIORITY:
        return this.#priority(stream, bytes, start, end);
      case FrameType.RST_STREAM:
        return this.#reset(stream, end - start);
      case FrameType.SETTINGS:
        return this.#settings(header, bytes, start, end);
      case FrameType.PUSH_PROMISE:
        throw violation("PUSH_PROMISE from a client");
      case FrameType.PING:
        return this.#ping(header, bytes, start, end);
      case FrameType.GOAWAY:
        if (stream !== 0) throw violation("GOAWAY on a stream");
        if (end - start < 8) throw wrongSize("GOAWAY");
        return;
      case FrameType.WINDOW_UPDATE:
        return this.#windowUpdate(stream, bytes, start, end);
      case FrameType.CONTINUATION:
        throw violation("CONTINUATION without HEADERS");
      default:
        this.#context.limits.idleFrame();
    }
  }

  #data(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { stream: id, flags } = header;
    const { owner, streams, limits } = this.#context;
    if (streams.isIdle(id)) throw violation("DATA on a stream that is not open");
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      from += 1;
      to -= bytes[start];
      if (end === start || to < from) throw violation("padding too long");
    }
    this.#receive(end - start);
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    if (from === to && !isEnd) limits.idleFrame();
    const stream = streams.get(id);
    if (stream === undefined) {
      if (!streams.wasReset(id)) this.#refuse(id, ErrorCode.STREAM_CLOSED);
    } else if (stream.requestEnded) {
      this.#spoil(stream, ErrorCode.STREAM_CLOSED);
    } else if (!stream.spend(end - start)) {
      this.#spoil(stream, ErrorCode.FLOW_CONTROL_ERROR);
    } else if (!stream.fits(to - from, isEnd)) {
      this.#spoil(stream, ErrorCode.PROTOCOL_ERROR);
    } else {
      stream.data(bytes.subarray(from, to), end - start - (to - from));
      if (isEnd && !stream.closed) this.#endRequest(stream);
      owner.written();
    }
  }

  /** Counts what came on all streams, and gives it back in large steps. */
  #receive(size: number): void {
    this.#window -= size;
    if (this.#window < 0) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window exceeded");
    }
    if (this.#window > CONNECTION_WINDOW / 2) return;
    this.#context.owner.sender.giveBack(0, CONNECTION_WINDOW - this.#window);
    this.#window = CONNECTION_WINDOW;
  }

  #headers(header: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { stream, flags } = header;
    if (stream % 2 === 0) throw violation("HEADERS on a stream that is not the client's");
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      if (end === start) throw wrongSize("HEADERS");
      from += 1;
      to -= bytes[start];
    }
    let isSelfDependent = false;
    if ((flags & Flag.PRIORITY) !== 0) {
      if (end - from < 5) throw wrongSize("HEADERS");
      isSelfDependent = uint31(bytes, from) === stream;
      from += 5;
    }
    if (to < from) throw violation("padding too long");
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.#headerBlock({ stream, flags, isSelfDependent }, bytes, from, to);
      return;
    }
    this.#block = { stream, flags, isSelfDependent, bytes: new Uint8Array(MAX_BLOCK), size: 0 };
    this.#append(this.#block, bytes, from, to);
  }

  #continue(
    block: OpenBlock,
    { flags }: FrameHeader,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#append(block, bytes, start, end);
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.#block = undefined;
    this.#headerBlock(block, block.bytes, 0, block.size);
  }

  #append(block: OpenBlock, bytes: Uint8Array, start: number, end: number): void {
    this.#context.limits.idleFrame();
    if (block.size + end - start > MAX_BLOCK) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "header block too long");
    }
    block.bytes.set(bytes.subarray(start, end), block.size);
    block.size += end - start;
  }

  #headerBlock(
    { stream: id, flags, isSelfDependent }: Omit<OpenBlock, "bytes" | "size">,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { streams, limits, accepts } = this.#context;
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    if (id <= streams.last) {
      this.#trailers(id, isEnd && !isSelfDependent, bytes, start, end);
      return;
    }
    const head = this.#blocks.request(bytes, start, end);
    streams.last = id;
    if (!accepts(id)) {
      streams.rememberReset(id);
    } else if (typeof head === "number") {
      limits.reset();
      this.#refuse(id, head);
    } else if (isSelfDependent || (isEnd && head.contentLength > 0)) {
      limits.reset();
      this.#refuse(id, ErrorCode.PROTOCOL_ERROR);
    } else if (streams.size >= MAX_STREAMS) {
      limits.reset();
      this.#refuse(id, ErrorCode.REFUSED_STREAM);
    } else {
      this.#open(id, head, isEnd);
    }
  }

  #open(id: number, head: RequestHead, isEnd: boolean): void {
    const stream = new H2Stream(id, head, this.#context.owner);
    this.#context.streams.add(stream);
    const receiver = this.#onStream(stream);
    if (stream.closed) return;
    stream.receiver = receiver;
    if (isEnd) this.#endRequest(stream);
  }

  #trailers(id: number, isEnd: boolean, bytes: Uint8Array, start: number, end: number): void {
    const { streams } = this.#context;
    const fault = this.#blocks.trailers(bytes, start, end);
    const stream = streams.get(id);
    if (stream === undefined) {
      if (streams.wasReset(id)) return;
      if (streams.hasEnded(id)) {
        throw new ConnectionError(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
      }
      throw violation("stream id too small");
    }
    if (stream.requestEnded) this.#spoil(stream, ErrorCode.STREAM_CLOSED);
    else if (!isEnd || !stream.fits(0, true)) this.#spoil(stream, ErrorCode.PROTOCOL_ERROR);
    else if (fault !== undefined) this.#spoil(stream, fault);
    else this.#endRequest(stream);
  }

  /** The client has sent everything; when the response is complete too, the stream is over. */
  #endRequest(stream: H2Stream): void {
    stream.end();
    if (stream.responseSent && !stream.closed) this.#context.owner.answered(stream);
  }

  #priority(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) throw violation("PRIORITY without a stream");
    this.#context.limits.idleFrame();
    if (end - start !== 5) return this.#fault(id, ErrorCode.FRAME_SIZE_ERROR);
    if (uint31(bytes, start) === id) this.#fault(id, ErrorCode.PROTOCOL_ERROR);
  }

  #reset(id: number, size: number): void {
    const { streams, limits, drop } = this.#context;
    if (size !== 4) throw wrongSize("RST_STREAM");
    if (streams.isIdle(id)) throw violation("RST_STREAM on a stream that is not open");
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (!stream.responseEnded) limits.reset();
    drop(stream);
  }

  #settings({ stream, flags }: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    const { owner, streams, limits } = this.#context;
    if (stream !== 0) throw violation("SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (end > start) throw wrongSize("SETTINGS");
      if (!this.#hasSettings) throw violation("no SETTINGS");
      return;
    }
    limits.idleFrame();
    this.#hasSettings = true;
    const change = owner.sender.takeSettings(bytes, start, end);
    if (change === 0) return;
    for (const each of streams.all()) {
      if (!each.widen(change)) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window");
    }
    owner.sender.progress();
  }

  #ping({ stream, flags }: FrameHeader, bytes: Uint8Array, start: number, end: number): void {
    if (stream !== 0) throw violation("PING on a stream");
    if (end - start !== 8) throw wrongSize("PING");
    const payload = bytes.subarray(start, end);
    if ((flags & Flag.ACK) !== 0) return this.#context.pong(payload);
    this.#context.limits.idleFrame();
    this.#context.pinged();
    this.#context.owner.sender.control(FrameType.PING, Flag.ACK, 0, payload);
  }

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    const { owner, streams } = this.#context;
    if (end - start !== 4) throw wrongSize("WINDOW_UPDATE");
    const increment = uint32(bytes, start) & MAX_31;
    if (id === 0) {
      if (increment === 0) throw violation("WINDOW_UPDATE of nothing");
      owner.sender.widen(increment);
      return;
    }
    if (streams.isIdle(id)) throw violation("WINDOW_UPDATE on a stream that is not open");
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) this.#spoil(stream, ErrorCode.PROTOCOL_ERROR);
    else if (!stream.widen(increment)) this.#spoil(stream, ErrorCode.FLOW_CONTROL_ERROR);
    else owner.sender.progress();
  }

  /** A fault on a stream that may be open or not. */
  #fault(id: number, code: number): void {
    const stream = this.#context.streams.get(id);
    if (stream === undefined) throw new ConnectionError(code, "wrong PRIORITY");
    this.#spoil(stream, code);
  }

  /** Ends a stream by a fault of its client. */
  #spoil(stream: H2Stream, code: number): void {
    const { owner, limits, drop } = this.#context;
    limits.reset();
    this.#refuse(stream.id, code);
    drop(stream);
    owner.written();
  }

  /** Ends a stream that is not open here. */
  #refuse(id: number, code: number): void {
    const { owner, streams } = this.#context;
    owner.sender.reset(id, code);
    streams.rememberReset(id);
  }
}

function violation(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, message);
}

function wrongSize(type: string): ConnectionError {
  return new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${type} of a wrong size`);
}
