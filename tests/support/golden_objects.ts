/**
 * The shared-memory objects that recorded requests name, under names of this process's own: tests of both
 * runtimes run side by side, and an object belongs to the whole machine. The new names are as long as the
 * recorded ones, so that lengths which are written beside them stay right.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import { makeSharedMemory, removeSharedMemory } from "./shared_memory.ts";

const RECORDED = /lab_(?=http_|grpc_)/g;

/** Three characters of the process's number, and a line. */
const OWN = `${(process.pid % 36 ** 3).toString(36).padStart(3, "0")}_`;

/** A text with the process's own names. */
export function withOwnObjects(text: string): string {
  return text.replaceAll(RECORDED, OWN);
}

/** Bytes in base64, with the process's own names in the bytes. */
export function withOwnObjectsBase64(base64: string): string {
  const text = Buffer.from(base64, "base64").toString("latin1");
  return Buffer.from(withOwnObjects(text), "latin1").toString("base64");
}

const GRPC_OBJECTS = ["/lab_grpc_gold", "/lab_grpc_g2", "/lab_grpc_g3"].map(withOwnObjects);

/** Makes the objects of the recorded gRPC calls: 64 bytes each, with the inputs of `add_sub`. */
export function makeGrpcObjects(): void {
  for (const key of GRPC_OBJECTS) {
    const numbers = new Int32Array(16);
    numbers.set([1, 2, 3, 4, 10, 20, 30, 40]);
    makeSharedMemory(key, new Uint8Array(numbers.buffer));
  }
}

/** Takes them away. */
export function removeGrpcObjects(): void {
  removeSharedMemory(...GRPC_OBJECTS);
}
