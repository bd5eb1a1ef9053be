/**
 * Triton's tensor data types: protocol names, numbers of the C library, sizes in bytes.
 *
 * @module
 */

/** A tensor data type by its protocol name. */
export type DataType =
  | "BOOL"
  | "UINT8"
  | "UINT16"
  | "UINT32"
  | "UINT64"
  | "INT8"
  | "INT16"
  | "INT32"
  | "INT64"
  | "FP16"
  | "FP32"
  | "FP64"
  | "BYTES"
  | "BF16";

/** Index = `TRITONSERVER_DataType`; 0 is the invalid type. */
const NAMES: readonly (DataType | "<invalid>")[] = [
  "<invalid>",
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
  "BF16",
];

const SIZES: Record<DataType, number> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
  BF16: 2,
};

const NUMBERS: ReadonlyMap<string, number> = new Map(
  NAMES.map((name, number): [string, number] => [name, number]).slice(1),
);

/** The C library's number of `name` (case-sensitive), 0 (invalid) for a name it does not know. */
export function datatypeNumber(name: string): number {
  return NUMBERS.get(name) ?? 0;
}

/** The protocol name of the C library's `number`, `<invalid>` for a number it does not define. */
export function datatypeName(number: number): DataType | "<invalid>" {
  return NAMES[number] ?? "<invalid>";
}

/** Whether `name` is a data type of the protocol. Names are case-sensitive. */
export function isDataType(name: string): name is DataType {
  return NUMBERS.has(name);
}

/** The bytes of one element; 0 for BYTES, whose elements vary in size. */
export function datatypeByteSize(name: DataType): number {
  return SIZES[name];
}
