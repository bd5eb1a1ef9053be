/**
 * From the engine's responses to the messages ModelInferResponse and ModelStreamInferResponse, as
 * frames ready to be sent. Written by hand so that tensors are copied once, from the server's memory
 * to the frame.
 *
 * @module
 */
import type { ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { MAX_MESSAGE_SIZE, PREFIX_SIZE } from "./framing.ts";
import { COPIED_SIZE } from "./transport.ts";
import { ProtoWriter, varintSize, WireType } from "./proto_writer.ts";

/** An output tensor as it is sent. */
export interface ResponseTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Empty where the output went to shared memory. */
  readonly data: Uint8Array;
}

/** The fields of a ModelInferResponse. */
export interface ResponseFields {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters?: readonly (readonly [string, ParameterValue])[];
  readonly outputs?: readonly ResponseTensor[];
  /** The parameter `triton_final_response` of streams; absent for none. */
  readonly final?: boolean;
}

/** ModelInferResponse */
const FIELD = {
  MODEL_NAME: 1,
  MODEL_VERSION: 2,
  ID: 3,
  PARAMETERS: 4,
  OUTPUTS: 5,
  RAW: 6,
} as const;
/** ModelInferResponse.InferOutputTensor */
const OUTPUT = { NAME: 1, DATATYPE: 2, SHAPE: 3 } as const;
/** InferParameter */
const PARAMETER = { BOOL: 1, INT64: 2, STRING: 3, DOUBLE: 4 } as const;
/** ModelStreamInferResponse */
const STREAM = { ERROR_MESSAGE: 1, INFER_RESPONSE: 2 } as const;

/** Shared by all responses: they are encoded one after the other, without waiting in between. */
const writer = new ProtoWriter();
/** Where small frames are made. */
const scratch = new Uint8Array(COPIED_SIZE);

/**
 * The frame of a ModelInferResponse, in parts. One of up to 16 KiB is valid until the next one is made; in
 * a larger one the tensors lie where they are. Throws INVALID_ARG when it is larger than gRPC allows.
 */
export function encodeInferResponse(fields: ResponseFields): readonly Uint8Array[] {
  writer.clear();
  writeFields(fields);
  const head = writer.written;
  const size = PREFIX_SIZE + messageSize(head, fields);
  if (size <= scratch.length) {
    scratch.set(head, PREFIX_SIZE);
    writeRaw(scratch, PREFIX_SIZE + head.length, fields);
    return [scratch.subarray(0, size)];
  }
  const first = new Uint8Array(PREFIX_SIZE + head.length);
  first.set(head, PREFIX_SIZE);
  return [first, ...(fields.outputs ?? []).flatMap(({ data }) => [rawTag(data).slice(), data])];
}

/**
 * The frame of a ModelStreamInferResponse; `errorMessage` is empty for success. One of up to 16 KiB is valid
 * until the next one is made. Throws INVALID_ARG when it is larger than gRPC allows.
 */
export function encodeStreamResponse(errorMessage: string, fields: ResponseFields): Uint8Array {
  writer.clear();
  writeFields(fields);
  const headLength = writer.written.length;
  const size = messageSize(writer.written, fields);
  // The wrapper is written behind the head, which it goes in front of.
  writer.string(STREAM.ERROR_MESSAGE, errorMessage);
  writer.tag(STREAM.INFER_RESPONSE, WireType.BYTES);
  writer.varint(size);
  const { written } = writer;
  const wrapperLength = written.length - headLength;
  checkSize(wrapperLength + size);
  const whole = PREFIX_SIZE + wrapperLength + size;
  const frame = whole <= scratch.length ? scratch.subarray(0, whole) : new Uint8Array(whole);
  frame.set(written.subarray(headLength), PREFIX_SIZE);
  frame.set(written.subarray(0, headLength), PREFIX_SIZE + wrapperLength);
  writeRaw(frame, PREFIX_SIZE + wrapperLength + headLength, fields);
  return frame;
}

/** Everything but the raw contents. */
function writeFields(fields: ResponseFields): void {
  writer.string(FIELD.MODEL_NAME, fields.modelName);
  writer.string(FIELD.MODEL_VERSION, fields.modelVersion);
  writer.string(FIELD.ID, fields.id);
  for (const [name, value] of fields.parameters ?? []) writeParameter(name, value);
  if (fields.final !== undefined) writeParameter("triton_final_response", fields.final);
  for (const output of fields.outputs ?? []) writeOutput(output);
}

/** An entry of a map is a message with the key as field 1 and the value as field 2. */
function writeParameter(name: string, value: ParameterValue): void {
  writer.nested(FIELD.PARAMETERS, () => {
    writer.presentString(1, name);
    writer.nested(2, () => {
      if (typeof value === "boolean") {
        writer.tag(PARAMETER.BOOL, WireType.VARINT);
        writer.varint(value ? 1 : 0);
      } else if (typeof value === "bigint") {
        writer.tag(PARAMETER.INT64, WireType.VARINT);
        writer.int64(value);
      } else if (typeof value === "string") {
        writer.presentString(PARAMETER.STRING, value);
      } else {
        writer.tag(PARAMETER.DOUBLE, WireType.FIXED64);
        writer.double(value);
      }
    });
  });
}

function writeOutput(output: ResponseTensor): void {
  writer.nested(FIELD.OUTPUTS, () => {
    writer.string(OUTPUT.NAME, output.name);
    writer.string(OUTPUT.DATATYPE, output.datatype);
    if (output.shape.length === 0) return;
    writer.nested(OUTPUT.SHAPE, () => {
      for (const dimension of output.shape) writer.int64(dimension);
    });
  });
}

function messageSize(head: Uint8Array, { outputs = [] }: ResponseFields): number {
  let size = head.length;
  for (const { data } of outputs) size += 1 + varintSize(data.length) + data.length;
  checkSize(size);
  return size;
}

function checkSize(size: number): void {
  if (size > MAX_MESSAGE_SIZE) {
    throw new TritonError(
      "INVALID_ARG",
      `Response has byte size ${size} which exceeds gRPC's byte size limit ${MAX_MESSAGE_SIZE}.`,
    );
  }
}

/** One entry for each output, also for those without data here. */
function writeRaw(frame: Uint8Array, start: number, { outputs = [] }: ResponseFields): void {
  let offset = start;
  for (const { data } of outputs) {
    const tag = rawTag(data);
    frame.set(tag, offset);
    offset += tag.length;
    frame.set(data, offset);
    offset += data.length;
  }
}

/** What stands before the raw contents of an output; valid until more is written. */
function rawTag(data: Uint8Array): Uint8Array {
  writer.clear();
  writer.tag(FIELD.RAW, WireType.BYTES);
  writer.varint(data.length);
  return writer.written;
}
