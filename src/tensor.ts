/**
 * Tensors from and to JavaScript values: typed arrays, and arrays of texts, byte strings and booleans.
 *
 * @module
 */
import { packByteStrings, unpackByteStrings } from "./byte_strings.ts";
import { type DataType, datatypeByteSize, isDataType } from "./datatype.ts";
import { fromBfloat16, toBfloat16 } from "./float16.ts";

/** The typed arrays that hold a tensor's elements. BF16 elements come as their 16 bits. */
export type TensorArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/** What a tensor can be made from. Texts and byte strings make a BYTES tensor, booleans a BOOL one. */
export type TensorSource =
  | TensorArray
  | readonly string[]
  | readonly Uint8Array[]
  | readonly boolean[]
  | readonly number[]
  | readonly bigint[];

/** How to read the source of a tensor. */
export interface TensorOptions {
  /** The data type. Default: what the source's type says; needed for plain numbers and for BF16. */
  datatype?: DataType;
  /** The shape. Default: one dimension of the number of elements. */
  shape?: readonly number[];
}

type ArrayConstructor = {
  new (length: number): TensorArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorArray;
  readonly name: string;
};

const ARRAYS: Record<Exclude<DataType, "BYTES">, ArrayConstructor> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
  BF16: Uint16Array,
};

const DATATYPES: ReadonlyMap<unknown, DataType> = new Map<unknown, DataType>([
  [Uint8Array, "UINT8"],
  [Uint16Array, "UINT16"],
  [Uint32Array, "UINT32"],
  [BigUint64Array, "UINT64"],
  [Int8Array, "INT8"],
  [Int16Array, "INT16"],
  [Int32Array, "INT32"],
  [BigInt64Array, "INT64"],
  [Float16Array, "FP16"],
  [Float32Array, "FP32"],
  [Float64Array, "FP64"],
]);

/**
 * A tensor: a data type, a shape, and the elements' bytes in Triton's layout (little-endian, row-major).
 *
 * @example
 * ```ts
 * import { Tensor } from "@triton-ts/frontend";
 *
 * const image = Tensor.from(new Float32Array(12), { shape: [1, 3, 2, 2] });
 * const text = Tensor.from(["Roger Roger"]);
 * const half = Tensor.from([0.5, 1.5], { datatype: "BF16" });
 * console.log(image.datatype, text.datatype, half.byteSize); // FP32 BYTES 4
 * ```
 */
export class Tensor {
  /** The data type by its protocol name. */
  readonly datatype: DataType;
  /** The dimensions, outermost first; `[]` for a single element. */
  readonly shape: readonly number[];
  /** The elements' bytes. Inferences read them in place: do not change them while one runs. */
  readonly bytes: Uint8Array;

  /**
   * Makes a tensor from bytes in Triton's layout, without a copy.
   *
   * @throws {RangeError} when the bytes do not fit the data type and shape, or a dimension is negative.
   */
  constructor(datatype: DataType, shape: readonly number[], bytes: Uint8Array) {
    if (!isDataType(datatype)) throw new RangeError(`Cannot make a tensor of type '${datatype}'`);
    const elements = elementCount(shape);
    const size = elements * datatypeByteSize(datatype);
    if (datatype !== "BYTES" && bytes.byteLength !== size) {
      throw new RangeError(
        `Cannot make a tensor of ${datatype} [${shape}] from ${bytes.byteLength} bytes: it needs ${size}`,
      );
    }
    this.datatype = datatype;
    this.shape = shape;
    this.bytes = bytes;
  }

  /**
   * Makes a tensor from JavaScript values. A typed array is used in place, anything else is copied.
   *
   * @throws {TypeError} when the data type is not clear from the source, or does not fit it.
   * @throws {RangeError} when the shape does not fit the number of elements.
   */
  static from(source: TensorSource, options: TensorOptions = {}): Tensor {
    const datatype = options.datatype ?? datatypeOf(source);
    const shape = options.shape ?? [source.length];
    if (elementCount(shape) !== source.length) {
      throw new RangeError(
        `Cannot give ${source.length} elements the shape [${shape}]: that has ${
          elementCount(shape)
        }`,
      );
    }
    return new Tensor(datatype, shape, bytesOf(source, datatype));
  }

  /** The size of the elements in bytes. */
  get byteSize(): number {
    return this.bytes.byteLength;
  }

  /**
   * The elements as the typed array of the data type, in place where alignment allows: BOOL as 0 and 1,
   * BF16 as 16 bits each.
   *
   * @throws {TypeError} for BYTES, which has no typed array: use {@link strings} or {@link byteStrings}.
   */
  get data(): TensorArray {
    if (this.datatype === "BYTES") {
      throw new TypeError("Cannot view a BYTES tensor as numbers: use strings() or byteStrings()");
    }
    const { buffer, byteOffset, byteLength } = this.bytes;
    const size = datatypeByteSize(this.datatype);
    const make = ARRAYS[this.datatype];
    return byteOffset % size === 0
      ? new make(buffer, byteOffset, byteLength / size)
      : new make(new Uint8Array(this.bytes).buffer, 0, byteLength / size);
  }

  /** The elements of a BYTES tensor, as views into it. */
  byteStrings(): Uint8Array[] {
    if (this.datatype !== "BYTES") {
      throw new TypeError(`Cannot read a ${this.datatype} tensor as byte strings: use data`);
    }
    return unpackByteStrings(this.bytes);
  }

  /** The elements of a BYTES tensor as texts. Bytes that are not UTF-8 become U+FFFD. */
  strings(): string[] {
    const decoder = new TextDecoder();
    return this.byteStrings().map((element) => decoder.decode(element));
  }

  /**
   * The elements as plain values: booleans for BOOL, bigints for the 64-bit integers, texts for BYTES,
   * numbers for the rest (BF16 too).
   */
  toArray(): (number | bigint | boolean | string)[] {
    switch (this.datatype) {
      case "BYTES":
        return this.strings();
      case "BOOL":
        return Array.from(this.data as Uint8Array, (element) => element !== 0);
      case "BF16":
        return Array.from(fromBfloat16(this.data as Uint16Array));
      default:
        return Array.from(this.data as ArrayLike<number | bigint>);
    }
  }
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new RangeError(`Cannot use the shape [${shape}]: ${dimension} is not a dimension`);
    }
    return product * dimension;
  }, 1);
}

function datatypeOf(source: TensorSource): DataType {
  if (ArrayBuffer.isView(source)) {
    const datatype = DATATYPES.get(source.constructor);
    if (datatype) return datatype;
    throw new TypeError(
      `Cannot make a tensor from ${source.constructor.name}: it has no data type`,
    );
  }
  const first = source[0];
  if (typeof first === "string" || first instanceof Uint8Array) return "BYTES";
  if (typeof first === "boolean") return "BOOL";
  throw new TypeError(
    `Cannot tell the data type of ${
      first === undefined ? "an empty array" : `plain ${typeof first}s`
    }: ` +
      'use a typed array, or Tensor.from(values, { datatype: "FP32" })',
  );
}

function bytesOf(source: TensorSource, datatype: DataType): Uint8Array {
  if (datatype === "BYTES") {
    if (ArrayBuffer.isView(source)) {
      throw new TypeError("Cannot make a BYTES tensor from numbers: give texts or byte strings");
    }
    return packByteStrings(source as readonly (string | Uint8Array)[]);
  }
  const make = ARRAYS[datatype];
  if (ArrayBuffer.isView(source)) {
    const isBfloat16 = datatype === "BF16" && source instanceof Float32Array;
    const array = isBfloat16 ? toBfloat16(source) : source;
    if (array.constructor !== make) {
      throw new TypeError(
        `Cannot make a ${datatype} tensor from ${source.constructor.name}: it needs ${make.name}`,
      );
    }
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  }
  if (datatype === "BF16") return new Uint8Array(toBfloat16(source as readonly number[]).buffer);
  const array = new make(source.length) as unknown as (number | bigint)[];
  for (const [index, value] of source.entries()) {
    if (typeof value === "string" || value instanceof Uint8Array) {
      throw new TypeError(`Cannot make a ${datatype} tensor from texts or byte strings`);
    }
    array[index] = elementOf(value, datatype);
  }
  return new Uint8Array((array as unknown as TensorArray).buffer);
}

function elementOf(value: boolean | number | bigint, datatype: DataType): number | bigint {
  if (datatype === "INT64" || datatype === "UINT64") return BigInt(value);
  return Number(value);
}
