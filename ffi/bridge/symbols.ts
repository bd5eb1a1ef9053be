/**
 * The functions that the bridge exports, in the vocabulary of ../symbols.ts. Only numbers of 32 bits and
 * buffers cross on the hot path (submit, drain, cancel, release): both runtimes pass those fastest.
 *
 * @module
 */
import type { SymbolTable } from "../symbols.ts";

/** bridge.c, loop.c, memory.c and net.c. */
export const bridgeSymbols = {
  tts_version: { args: [], returns: "u32" },
  tts_open: { args: ["cstr", "buf", "out", "u32"], returns: "u32" },
  tts_has: { args: ["cstr"], returns: "u32" },
  tts_function: { args: ["cstr"], returns: "u64" },
  tts_address: { args: ["buf"], returns: "u64" },
  tts_counters: { args: ["out"], returns: "void" },
  tts_loop_new: { args: ["ptr"], returns: "u32" },
  tts_loop_yield: { args: [], returns: "void" },
  tts_loop_arm: { args: ["u32"], returns: "void" },
  tts_loop_disarm: { args: ["u32"], returns: "u32" },
  tts_loop_mute: { args: ["u32"], returns: "void" },
  tts_loop_free: { args: ["u32"], returns: "void" },
  tts_loop_mute_all: { args: [], returns: "void" },
  tts_queue_new: { args: ["u32"], returns: "u32" },
  tts_queue_free: { args: ["u32"], returns: "void" },
  tts_submit: { args: ["u32", "buf", "u32", "out", "u32"], returns: "u32" },
  tts_cancel: { args: ["u32", "u32"], returns: "void" },
  tts_hold: { args: ["u32", "u32", "u32"], returns: "void" },
  tts_drain: { args: ["u32", "out", "u32", "u32"], returns: "u32" },
  tts_release: { args: ["buf", "u32"], returns: "void" },
  tts_response_delete: { args: ["buf"], returns: "void" },
  tts_call: { args: ["u32", "u32", "buf"], returns: "u32" },
  tts_map_system: { args: ["cstr", "u64", "u64", "out"], returns: "u32" },
  tts_map_cuda: { args: ["buf", "i32", "u64", "out"], returns: "u32" },
  tts_mapping_holds: { args: ["u64", "u64"], returns: "u32" },
  tts_unmap: { args: ["u64"], returns: "void" },
  tts_net_listen: { args: ["u32", "cstr", "u32", "u32", "out"], returns: "i32" },
  tts_net_poll: { args: ["u32", "out", "u32", "u32"], returns: "u32" },
  tts_net_watch: { args: ["u32", "i32", "u32"], returns: "void" },
  tts_net_leave: { args: ["u32", "i32"], returns: "void" },
  tts_net_join: { args: ["u32", "i32"], returns: "i32" },
  tts_net_read: { args: ["i32", "out", "u32"], returns: "i32" },
  tts_net_write: { args: ["i32", "buf", "u32", "u32"], returns: "i32" },
  tts_net_send: { args: ["buf", "u32", "out"], returns: "void" },
  tts_net_finish: { args: ["i32"], returns: "void" },
  tts_net_close: { args: ["i32"], returns: "void" },
} as const satisfies SymbolTable;
