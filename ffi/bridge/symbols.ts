/**
 * The functions that bridge.c exports, in the vocabulary of ../symbols.ts. Only numbers of 32 bits and
 * buffers cross on the hot path (submit, drain, cancel, release): both runtimes pass those fastest.
 *
 * @module
 */
import type { SymbolTable } from "../symbols.ts";

/** bridge.c. */
export const bridgeSymbols = {
  tts_version: { args: [], returns: "u32" },
  tts_open: { args: ["cstr", "buf", "out", "u32"], returns: "u32" },
  tts_has: { args: ["cstr"], returns: "u32" },
  tts_function: { args: ["cstr"], returns: "u64" },
  tts_address: { args: ["buf"], returns: "u64" },
  tts_counters: { args: ["out"], returns: "void" },
  tts_queue_new: { args: ["ptr"], returns: "u32" },
  tts_queue_mute: { args: ["u32"], returns: "void" },
  tts_submit: { args: ["u32", "buf", "u32", "out", "u32"], returns: "u32" },
  tts_cancel: { args: ["u32", "u32"], returns: "void" },
  tts_drain: { args: ["u32", "out", "u32"], returns: "u32" },
  tts_release: { args: ["buf", "u32"], returns: "void" },
  tts_response_delete: { args: ["buf"], returns: "void" },
  tts_call: { args: ["u32", "u32", "buf"], returns: "u32" },
} as const satisfies SymbolTable;
