/**
 * The JSON parts of inference requests that came before. A client sends the same one again and again, with
 * other binary data behind it, and to read it anew costs more than all else that is done for a small request.
 *
 * @module
 */
import { startsWith } from "../bytes.ts";
import type { EngineInput, EngineRequest } from "../engine.ts";
import type { OutputPlan } from "./output_plan.ts";

/** What a JSON part says that takes all its data from the bytes behind it. */
export interface KnownHeader {
  /** The members of the request that do not depend on its path, its other headers and its data. */
  readonly request: Pick<
    EngineRequest,
    | "flags"
    | "correlationId"
    | "priority"
    | "timeoutMicroseconds"
    | "id"
    | "outputs"
    | "wantsLabels"
    | "parameters"
  >;
  /** The inputs, and how many bytes each has. */
  readonly inputs: readonly (Omit<EngineInput, "data"> & { readonly byteSize: number })[];
  /** The bytes of all inputs. */
  readonly binarySize: number;
  readonly plan: OutputPlan;
}

interface Slot {
  /** Of the last JSON part that belongs here. */
  hash: number;
  /** One that came twice. */
  bytes: Uint8Array;
  known: KnownHeader | undefined;
}

const SLOTS = 64;
/** Longer ones are read each time. */
const MAX_LENGTH = 2048;
const NO_BYTES = new Uint8Array(0);

/** Remembers what it is told, until something else takes the place. */
export class KnownHeaders {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => {
    return { hash: 0, bytes: NO_BYTES, known: undefined };
  });

  /** What is known of the first `length` bytes of `body`. */
  find(body: Uint8Array, length: number): KnownHeader | undefined {
    if (length > MAX_LENGTH) return undefined;
    const { bytes, known } = this.#slots[slotOf(hashOf(body, length))];
    return bytes.length === length && startsWith(body, bytes) ? known : undefined;
  }

  /** Those bytes have been read: what they say, as `read` tells, is remembered when they come a second time. */
  learn(body: Uint8Array, length: number, read: () => KnownHeader): void {
    if (length > MAX_LENGTH) return;
    const hash = hashOf(body, length);
    const slot = this.#slots[slotOf(hash)];
    if (slot.hash === hash) {
      // A copy: what zlib has made is a Buffer, whose slice() is a view of the whole body.
      slot.bytes = new Uint8Array(body.subarray(0, length));
      slot.known = read();
    }
    slot.hash = hash;
  }
}

function hashOf(bytes: Uint8Array, length: number): number {
  let hash = length;
  for (let at = 0; at < length; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0;
  return hash;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (SLOTS - 1);
}
