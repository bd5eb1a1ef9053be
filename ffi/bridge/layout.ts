/**
 * The byte layouts that bridge.c reads and writes: the descriptor of a request, and the records of what
 * happened. All little-endian; every field on a multiple of 8 except pairs of 32-bit fields.
 *
 * @module
 */

import { TextCache } from "./texts.ts";

/** Data up to this size travels inside the descriptor; larger data is passed by its address. */
const INLINE_INPUT = 4096;

/** Names of the data types in the C library's order, both ways. */
export interface DatatypeNames {
  number(name: string): number;
  name(number: number): string;
}

/** A place in mapped memory. */
export interface BridgeSlice {
  readonly address: number;
  readonly byteSize: number;
  /** The GPU whose memory it is; undefined for system memory. */
  readonly gpu?: number;
}

/** A request as the bridge takes it. The fields are those of Triton's C API. */
export interface BridgeRequest {
  readonly modelName: string;
  readonly modelVersion: number | bigint;
  readonly id?: string;
  readonly flags?: number;
  readonly correlationId?: number | bigint | string;
  readonly priority?: number | bigint;
  readonly timeoutMicroseconds?: number | bigint;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly (number | bigint)[];
    readonly data: Uint8Array | BridgeSlice;
  }[];
  readonly rawInput?: Uint8Array;
  readonly outputs?: readonly { readonly name: string; readonly placement?: BridgeSlice }[];
  readonly parameters?: readonly (readonly [string, string | boolean | bigint | number])[];
  readonly wantsLabels?: boolean;
  /** Called once, when Triton uses none of the request's memory any more. */
  readonly onReleased?: () => void;
}

/** One output of a response. */
export interface BridgeOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /**
   * In memory of the bridge when large (its address is then in the response's `addresses`), else among the
   * records. Valid until the response is released.
   */
  readonly data: Uint8Array;
  readonly byteSize: number;
}

/** One record of kind "response". */
export interface BridgeResponse {
  readonly final: boolean;
  readonly hasContent: boolean;
  /** Set on a failure. */
  readonly errorCode: number | undefined;
  readonly errorText: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: readonly (readonly [string, string | boolean | bigint | number])[];
  readonly outputs: readonly BridgeOutput[];
  /** The bytes of all outputs. */
  readonly byteSize: number;
  /** The output memory that is JavaScript's to give back. */
  readonly addresses: readonly number[];
  /** The memory that small outputs lie in until the response is released; undefined when there are none. */
  readonly chunk: Chunk | undefined;
  /** The kept Triton response, 0 when there is none. It then owns all output memory. */
  readonly response: number;
}

const MEMORY_CPU = 0;
const MEMORY_GPU = 2;
/** Added to the memory type of what the bridge must copy. */
const COPIED = 0x80000000;

const OPTION_STRING_CORRELATION = 1;
const OPTION_RAW = 2;
const OPTION_KEEP_RESPONSE = 4;

const encoder = new TextEncoder();

/** The size of a writer's buffer at first, and the size above which it is not kept. */
const INITIAL = 1 << 14;
const KEPT = 1 << 20;
/** Up to so many characters, a loop is faster than the encoder. */
const SHORT_TEXT = 64;

/** Writes descriptors into one buffer that it keeps and grows. */
export class DescriptorWriter {
  #bytes = new Uint8Array(INITIAL);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #addressOf: (data: Uint8Array) => number;
  readonly #datatypes: DatatypeNames;
  /** The memory type of data that is passed by its address. */
  readonly #addressed: number;

  /** With `copies` the bridge copies what is passed by its address. */
  constructor(addressOf: (data: Uint8Array) => number, datatypes: DatatypeNames, copies: boolean) {
    this.#addressOf = addressOf;
    this.#datatypes = datatypes;
    this.#addressed = copies ? MEMORY_CPU + COPIED : MEMORY_CPU;
  }

  /** The buffer of the last descriptor; valid until the next `write`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Writes a descriptor and returns its length. */
  write(server: number, slot: number, request: BridgeRequest): number {
    if (this.#bytes.length > KEPT) this.#resize(new Uint8Array(INITIAL));
    this.#at = 0;
    const correlation = request.correlationId ?? 0;
    const options = (typeof correlation === "string" ? OPTION_STRING_CORRELATION : 0) |
      (request.rawInput ? OPTION_RAW : 0) |
      (request.wantsLabels ? OPTION_KEEP_RESPONSE : 0);
    const outputs = request.outputs ?? [];
    const parameters = request.parameters ?? [];
    this.#integer(server);
    this.#integer(request.modelVersion);
    this.#pair(slot, options);
    this.#pair(request.inputs.length, outputs.length);
    this.#pair(parameters.length, 0);
    this.#text(request.modelName);
    this.#text(request.id ?? "");
    this.#pair(request.flags ?? 0, 0);
    this.#integer(typeof correlation === "string" ? 0 : correlation);
    this.#integer(request.priority ?? 0);
    this.#integer(request.timeoutMicroseconds ?? 0);
    if (typeof correlation === "string") this.#text(correlation);
    for (const [name, value] of parameters) this.#parameter(name, value);
    if (request.rawInput) this.#data(request.rawInput);
    for (const input of request.inputs) {
      this.#text(input.name);
      this.#pair(this.#datatypes.number(input.datatype), input.shape.length);
      for (const dimension of input.shape) this.#integer(dimension);
      this.#data(input.data);
    }
    for (const output of outputs) {
      this.#text(output.name);
      this.#integer(output.placement?.address ?? 0);
      this.#integer(output.placement?.byteSize ?? 0);
      this.#memoryType(output.placement);
    }
    return this.#at;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#resize(grown);
  }

  #resize(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #pair(first: number, second: number): void {
    this.#reserve(8);
    this.#view.setUint32(this.#at, first, true);
    this.#view.setUint32(this.#at + 4, second, true);
    this.#at += 8;
  }

  #integer(value: number | bigint): void {
    this.#reserve(8);
    if (typeof value === "number" && (value | 0) === value) {
      // Most are small, and to divide takes longer.
      this.#view.setInt32(this.#at, value, true);
      this.#view.setInt32(this.#at + 4, value >> 31, true);
    } else if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.#view.setUint32(this.#at, value % 4294967296, true);
      this.#view.setUint32(this.#at + 4, Math.floor(value / 4294967296), true);
    } else {
      this.#view.setBigInt64(this.#at, BigInt(value), true);
    }
    this.#at += 8;
  }

  #text(text: string): void {
    // UTF-8 takes three bytes at the most for each unit of UTF-16.
    this.#reserve(16 + text.length * 3);
    const bytes = this.#bytes;
    const start = this.#at + 8;
    let end = start;
    if (text.length <= SHORT_TEXT) {
      for (let index = 0; index < text.length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        bytes[end++] = unit;
      }
    }
    if (end - start < text.length) {
      end = start + encoder.encodeInto(text, bytes.subarray(start)).written;
    }
    this.#at = start + ((end - start + 8) & ~7);
    for (let at = end; at < this.#at; at++) bytes[at] = 0;
    this.#view.setUint32(start - 8, end - start, true);
    this.#view.setUint32(start - 4, 0, true);
  }

  #data(data: Uint8Array | BridgeSlice): void {
    if (!(data instanceof Uint8Array)) {
      this.#integer(data.byteSize);
      this.#integer(data.address);
      this.#memoryType(data);
    } else if (data.byteLength > INLINE_INPUT) {
      this.#integer(data.byteLength);
      this.#integer(this.#addressOf(data));
      this.#pair(this.#addressed, 0);
    } else {
      const size = data.byteLength;
      const padded = (size + 7) & ~7;
      this.#reserve(24 + padded);
      this.#pair(size, 0);
      this.#pair(0, 0);
      this.#memoryType();
      this.#bytes.set(data, this.#at);
      this.#at += padded;
    }
  }

  /** The memory's type and its device's number, as the C API has them. */
  #memoryType(slice?: BridgeSlice): void {
    if (slice?.gpu === undefined) this.#pair(MEMORY_CPU, 0);
    else this.#pair(MEMORY_GPU, slice.gpu);
  }

  #parameter(name: string, value: string | boolean | bigint | number): void {
    this.#text(name);
    switch (typeof value) {
      case "string":
        this.#pair(0, 0);
        return this.#text(value);
      case "bigint":
        this.#pair(1, 0);
        return this.#integer(value);
      case "boolean":
        this.#pair(2, 0);
        return this.#pair(value ? 1 : 0, 0);
      case "number":
        this.#pair(3, 0);
        this.#reserve(8);
        this.#view.setFloat64(this.#at, value, true);
        this.#at += 8;
    }
  }
}

/** What a record tells: its kind decides which of the reader's methods may follow. */
export const RecordKind = { RESPONSE: 1, RELEASED: 2, JOB: 3 } as const;

const FLAG_FINAL = 1;
const FLAG_RELEASED = 2;
const FLAG_CONTENT = 4;
const FLAG_ERROR = 8;
const HEADER = 48;
const DATA_INLINE = 0;
const DATA_ADDRESS = 1;

/** Memory for records, of which parts may be in use. */
export class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** How much of it is filled. */
  used = 0;
  /** How many responses have outputs in it. */
  users = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }
}

const NOTHING: readonly never[] = [];
const NO_BYTES = new Uint8Array(0);

/** Reads records out of the memory that they were drained into. */
export class RecordReader {
  readonly #datatypes: DatatypeNames;
  readonly #viewOf: (address: number, byteSize: number) => Uint8Array;
  readonly #texts = new TextCache();
  #chunk = new Chunk(0);
  #bytes = this.#chunk.bytes;
  #view = this.#chunk.view;
  #start = 0;
  #at = 0;
  /** The address of the memory that the last output was handed over in; 0 for none. */
  #address = 0;
  /** Whether the last output lies among the records. */
  #isInline = false;

  constructor(
    datatypes: DatatypeNames,
    viewOf: (address: number, byteSize: number) => Uint8Array,
  ) {
    this.#datatypes = datatypes;
    this.#viewOf = viewOf;
  }

  /** Goes to the record at `start` of `chunk` and returns the start of the next one. */
  seek(chunk: Chunk, start: number): number {
    this.#chunk = chunk;
    this.#bytes = chunk.bytes;
    this.#view = chunk.view;
    this.#start = start;
    this.#at = start + HEADER;
    return start + this.#view.getUint32(start, true);
  }

  get kind(): number {
    return this.#view.getUint32(this.#start + 4, true);
  }

  get slot(): number {
    return this.#view.getUint32(this.#start + 8, true);
  }

  /** Whether Triton has let go of the request: with `final`, nothing more comes for its slot. */
  get released(): boolean {
    return (this.#flags & FLAG_RELEASED) !== 0;
  }

  get final(): boolean {
    return (this.#flags & FLAG_FINAL) !== 0;
  }

  get #flags(): number {
    return this.#view.getUint32(this.#start + 12, true);
  }

  /** The error of a job, undefined when it succeeded. */
  jobError(): { code: number; text: string } | undefined {
    if (!(this.#flags & FLAG_ERROR)) return undefined;
    return { code: this.#view.getUint32(this.#start + 16, true), text: this.#text() };
  }

  /** The response of a record of kind RESPONSE. */
  response(): BridgeResponse {
    const flags = this.#flags;
    const start = this.#start;
    const view = this.#view;
    const hasContent = (flags & FLAG_CONTENT) !== 0;
    const failed = (flags & FLAG_ERROR) !== 0;
    const errorText = failed ? this.#text() : "";
    const modelName = hasContent ? this.#text() : "";
    const id = hasContent ? this.#text() : "";
    const response = this.#unsigned(start + 40);
    const outputCount = view.getUint32(start + 20, true);
    const parameterCount = view.getUint32(start + 24, true);
    const parameters = parameterCount === 0 ? NOTHING : this.#parameters(parameterCount);
    const outputs: BridgeOutput[] = [];
    let addresses: number[] | undefined;
    let byteSize = 0;
    let chunk: Chunk | undefined;
    for (let left = outputCount; left > 0; left--) {
      const output = this.#output();
      byteSize += output.byteSize;
      if (this.#isInline) chunk = this.#chunk;
      if (this.#address !== 0 && response === 0) (addresses ??= []).push(this.#address);
      outputs.push(output);
    }
    if (chunk !== undefined) chunk.users++;
    return {
      final: (flags & FLAG_FINAL) !== 0,
      hasContent,
      errorCode: failed ? view.getUint32(start + 16, true) : undefined,
      errorText,
      modelName,
      modelVersion: hasContent ? this.#integerText(start + 32) : "",
      id,
      parameters,
      outputs,
      byteSize,
      addresses: addresses ?? NOTHING,
      chunk,
      response,
    };
  }

  #parameters(count: number): BridgeResponse["parameters"] {
    return Array.from({ length: count }, () => [this.#text(), this.#parameter()] as const);
  }

  #integerText(at: number): string {
    const value = this.#signed(at);
    return String(Number.isSafeInteger(value) ? value : this.#view.getBigInt64(at, true));
  }

  #unsigned(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 4294967296;
  }

  #signed(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getInt32(at + 4, true) * 4294967296;
  }

  #text(): string {
    const length = this.#view.getUint32(this.#at, true);
    const start = this.#at + 8;
    this.#at = start + ((length + 8) & ~7);
    return this.#texts.decode(this.#bytes, start, length);
  }

  #parameter(): string | boolean | bigint | number {
    const type = this.#view.getUint32(this.#at, true);
    this.#at += 8;
    if (type === 0) return this.#text();
    const at = this.#at;
    this.#at += 8;
    if (type === 1) return this.#view.getBigInt64(at, true);
    if (type === 2) return this.#view.getUint32(at, true) !== 0;
    return this.#view.getFloat64(at, true);
  }

  #output(): BridgeOutput {
    const name = this.#text();
    const view = this.#view;
    let at = this.#at;
    const datatype = this.#datatypes.name(view.getUint32(at, true));
    const dimensions = view.getUint32(at + 4, true);
    at += 8;
    const shape: number[] = [];
    for (let left = dimensions; left > 0; left--, at += 8) shape.push(this.#signed(at));
    const byteSize = this.#unsigned(at);
    const placed = view.getUint32(at + 8, true);
    at += 16;
    let data: Uint8Array = NO_BYTES;
    this.#address = 0;
    this.#isInline = placed === DATA_INLINE && byteSize > 0;
    if (placed === DATA_INLINE) {
      data = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, byteSize);
      at += (byteSize + 7) & ~7;
    } else {
      if (placed === DATA_ADDRESS) {
        this.#address = this.#unsigned(at);
        data = this.#viewOf(this.#address, byteSize);
      }
      at += 8;
    }
    this.#at = at;
    return { name, datatype, shape, data, byteSize };
  }
}
