/**
 * A lock between processes of one machine, kept as a file that names its holder.
 *
 * @module
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a waiting process sleeps between two looks, in milliseconds. */
const POLL_MS = 200;

/** How the lock is waited for. */
export interface LockOptions {
  /** Called once with the holder's process id when the lock is taken by someone else. */
  waiting?: (holder: number) => void;
  /** Ends the wait, rejecting with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Runs `action` while holding the lock file `path`.
 *
 * The file holds the process id and start time of its holder, so that a lock whose holder has died
 * is taken over, even if its process id has been given to another process since.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  action: () => Promise<T>,
): Promise<T> {
  await take(path, options);
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

async function take(path: string, options: LockOptions): Promise<void> {
  let told = false;
  while (!tryTake(path)) {
    options.signal?.throwIfAborted();
    const holder = readHolder(path);
    if (holder === undefined) continue; // released between the two calls
    if (!isAlive(holder)) {
      discard(path, holder);
      continue;
    }
    if (!told) options.waiting?.(holder.pid);
    told = true;
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}

interface Holder {
  pid: number;
  /** Start of the process in clock ticks since boot, as in /proc. */
  start: string;
}

/** Makes the lock with its content in one step: a hard link either appears whole or fails. */
function tryTake(path: string): boolean {
  const draft = `${path}.${process.pid}`;
  const self: Holder = { pid: process.pid, start: startTime(process.pid) ?? "" };
  writeFileSync(draft, JSON.stringify(self));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The holder of the lock; undefined if there is no lock. A file of other content has no holder. */
function readHolder(path: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    const { pid, start } = JSON.parse(text) as Partial<Holder>;
    return { pid: Number(pid), start: String(start) };
  } catch {
    return { pid: NaN, start: "" };
  }
}

/**
 * Takes a dead holder's lock away. Of several processes that try, the rename lets one win; should a
 * new holder have come in between, its lock is put back.
 */
function discard(path: string, dead: Holder): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    const taken = readHolder(aside);
    if (taken && (taken.pid !== dead.pid && isAlive(taken))) linkSync(aside, path);
  } catch {
    return; // another process was faster: look again
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive(holder: Holder): boolean {
  const start = startTime(holder.pid);
  return start !== undefined && start === holder.start;
}

/** Field 22 of /proc/PID/stat, counted after the command name, which may hold spaces. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
