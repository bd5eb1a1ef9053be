/**
 * A program that lets a client's memory be mapped and then dies of a bus error in memory that it has mapped
 * itself.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { loadBackend } from "../../ffi/backend.ts";
import type { SymbolTable } from "../../ffi/symbols.ts";
import { startEcho } from "./real_server.ts";
import { makeSharedMemory, removeSharedMemory, truncateSharedMemory } from "./shared_memory.ts";

const libc = {
  mmap: { args: ["usize", "usize", "i32", "i32", "i32", "i64"], returns: "usize" },
} as const satisfies SymbolTable;
const PAGE = 4096;
const READ = 1;
const SHARED = 1;

const key = `/triton_ts_bus_error_${process.pid}`;
makeSharedMemory(key, new Uint8Array(PAGE));
const server = await startEcho();
const made = server.clientMemory.mapSystem(key, 0, PAGE);
if (!("failure" in made)) console.log("MAPPED");

const { view, open } = await loadBackend();
const file = openSync(`/dev/shm${key}`, "r");
const address = open("libc.so.6", libc).mmap(0, PAGE, READ, SHARED, file, 0);
closeSync(file);
const memory = view(Number(address), PAGE);
console.log(`READ ${memory[0]}`);
truncateSharedMemory(key, 0);
removeSharedMemory(key);
console.log(`SURVIVED ${memory[0]}`);
process.exit();
