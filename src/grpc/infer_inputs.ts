/**
 * The data of a request's inputs: raw contents, typed contents or shared memory.
 *
 * @module
 */
import { packByteStrings } from "../byte_strings.ts";
import { datatypeName, datatypeNumber } from "../datatype.ts";
import type { InferTensorContents } from "../../proto/gen/grpc_service_pb.ts";
import type { EngineInput } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { RegionLeases } from "../kserve/shared_memory_leases.ts";
import type { InferMessage, InputMessage } from "./infer_message.ts";
import { sharedMemory } from "./infer_shared_memory.ts";

/**
 * The inputs of `request` with their bytes. Raw contents go, in order, to the inputs that are not in
 * shared memory; surplus ones are ignored. Throws INVALID_ARG or NOT_FOUND with Triton's texts.
 */
export function parseInputs(
  request: InferMessage,
  regions: RegionLeases,
): EngineInput[] {
  let nextRaw = 0;
  return request.inputs.map((input): EngineInput => {
    const { name, datatype, shape } = input;
    const place = sharedMemory(name, input.parameters);
    if (place !== undefined) {
      if (input.contents !== undefined) {
        throw invalid(
          `unexpected 'content' provided when using shared memory for input tensor '${name}' for ` +
            `model '${request.modelName}'`,
        );
      }
      return {
        name,
        datatype,
        shape,
        data: regions.find(place.region, place.offset, place.byteSize),
      };
    }
    const data = inlineData(request, input, nextRaw);
    if (input.contents === undefined) nextRaw += 1;
    return { name, datatype, shape, data };
  });
}

function inlineData(
  request: InferMessage,
  input: InputMessage,
  rawIndex: number,
): Uint8Array {
  const raw = request.rawInputContents;
  if (input.contents !== undefined) {
    if (raw.length > 0) {
      throw invalid(
        `contents field must not be specified when using raw_input_contents for '${input.name}' ` +
          `for model '${request.modelName}'`,
      );
    }
    return contentsData(request.modelName, input, input.contents);
  }
  if (rawIndex >= raw.length) {
    throw invalid(
      `unable to find data for input tensor '${input.name}' for model '${request.modelName}' in ` +
        "request.",
    );
  }
  return raw[rawIndex];
}

/** Turns the elements of one list into bytes; `types` are the data types that the list may hold. */
interface ContentsList {
  readonly types: readonly string[];
  /** The list's own type, which errors name. */
  readonly type: string;
  size(contents: InferTensorContents): number;
  bytes(contents: InferTensorContents, datatype: string): Uint8Array;
}

/** In the order in which Triton looks at the lists. Numbers too large for a small type are cut. */
const LISTS: readonly ContentsList[] = [
  {
    type: "BOOL",
    types: ["BOOL"],
    size: (contents) => contents.boolContents.length,
    bytes: (contents) => Uint8Array.from(contents.boolContents, Number),
  },
  {
    type: "INT32",
    types: ["INT8", "INT16", "INT32"],
    size: (contents) => contents.intContents.length,
    bytes: ({ intContents }, datatype) =>
      bytesOf(
        datatype === "INT8"
          ? Int8Array.from(intContents)
          : datatype === "INT16"
          ? Int16Array.from(intContents)
          : Int32Array.from(intContents),
      ),
  },
  {
    type: "INT64",
    types: ["INT64"],
    size: (contents) => contents.int64Contents.length,
    bytes: (contents) => bytesOf(BigInt64Array.from(contents.int64Contents)),
  },
  {
    type: "UINT32",
    types: ["UINT8", "UINT16", "UINT32"],
    size: (contents) => contents.uintContents.length,
    bytes: ({ uintContents }, datatype) =>
      bytesOf(
        datatype === "UINT8"
          ? Uint8Array.from(uintContents)
          : datatype === "UINT16"
          ? Uint16Array.from(uintContents)
          : Uint32Array.from(uintContents),
      ),
  },
  {
    type: "UINT64",
    types: ["UINT64"],
    size: (contents) => contents.uint64Contents.length,
    bytes: (contents) => bytesOf(BigUint64Array.from(contents.uint64Contents)),
  },
  {
    type: "FP32",
    types: ["FP32"],
    size: (contents) => contents.fp32Contents.length,
    bytes: (contents) => bytesOf(Float32Array.from(contents.fp32Contents)),
  },
  {
    type: "FP64",
    types: ["FP64"],
    size: (contents) => contents.fp64Contents.length,
    bytes: (contents) => bytesOf(Float64Array.from(contents.fp64Contents)),
  },
  {
    type: "BYTES",
    types: ["BYTES"],
    size: (contents) => contents.bytesContents.length,
    bytes: (contents) => packByteStrings(contents.bytesContents),
  },
];

/** Present contents without any element are a tensor of zero bytes. */
function contentsData(
  model: string,
  input: InputMessage,
  contents: InferTensorContents,
): Uint8Array {
  const { name, datatype } = input;
  let data: Uint8Array | undefined;
  for (const list of LISTS) {
    if (list.size(contents) === 0) continue;
    if (data !== undefined) {
      throw invalid(
        `unexpected explicit tensor data for input tensor '${name}' for model '${model}', binary ` +
          "data was already supplied.",
      );
    }
    if (!list.types.includes(datatype)) {
      throw invalid(
        `unexpected explicit tensor data for input tensor '${name}' for model '${model}' of type ` +
          `'${list.type}', expected datatype '${datatypeName(datatypeNumber(datatype))}'`,
      );
    }
    data = list.bytes(contents, datatype);
  }
  return data ?? new Uint8Array(0);
}

/** The runtimes run on little-endian machines only, so that typed arrays have Triton's layout. */
function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function invalid(message: string): TritonError {
  return new TritonError("INVALID_ARG", message);
}
