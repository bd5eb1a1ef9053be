/**
 * The flags of clients' shared memory, which all front ends of the server heed.
 *
 * @module
 */
import { built, type FlagGroup } from "../flag.ts";
import { parseBoolean } from "../values.ts";

/** Shared memory of clients. */
export const SHARED_MEMORY_FLAGS: FlagGroup = {
  title: "Shared memory",
  flags: [
    {
      name: "allow-client-shm",
      value: "boolean",
      default: "false",
      doc: "Whether clients may name shared memory for their tensors.",
      use: built((text, draft) => {
        const isAllowed = parseBoolean(text);
        draft.http.allowClientSharedMemory = isAllowed;
        draft.grpc.allowClientSharedMemory = isAllowed;
      }),
    },
  ],
};
