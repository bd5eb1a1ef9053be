/**
 * Making a folder once: in a staging folder beside its place, under a lock, renamed when complete.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { withLock } from "./lock.ts";

/** How a folder is made. */
export interface OnceOptions {
  /** Receives one line per step. */
  progress?: (line: string) => void;
  /** Stops the work, leaves nothing behind and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Makes the folder anew even if it is complete. Default false. */
  fresh?: boolean;
}

/** The folder in question. */
export interface OnceTarget<T> {
  /** Absolute path of the folder. */
  directory: string;
  /** A file inside that marks the folder as one of ours: no other folder is ever replaced. */
  mark: string;
  /** Describes the folder if it is there and complete. */
  find: () => T | undefined;
  /** Fills the empty folder `staging`, which will be renamed to `directory`. */
  make: (staging: string) => Promise<void>;
}

/**
 * The complete folder: found, made, or made by another process for which this one waited.
 *
 * Whoever is interrupted leaves at most a staging folder, which the next run removes.
 */
export async function once<T>(target: OnceTarget<T>, options: OnceOptions): Promise<T> {
  const { directory } = target;
  const there = options.fresh ? undefined : target.find();
  if (there !== undefined) return there;
  assertWritable(dirname(directory));
  const waiting = (holder: number) =>
    options.progress?.(`Waiting for process ${holder}, which is making ${directory}`);
  return await withLock(`${directory}.lock`, { waiting, signal: options.signal }, async () => {
    const made = options.fresh ? undefined : target.find();
    if (made !== undefined) return made;
    assertReplaceable(target);
    removeLeftovers(directory);
    const staging = `${directory}.staging-${randomUUID()}`;
    mkdirSync(staging);
    try {
      await target.make(staging);
      options.signal?.throwIfAborted();
      moveIntoPlace(staging, directory);
    } catch (error) {
      rmSync(staging, { recursive: true, force: true });
      throw error;
    }
    const found = target.find();
    if (found === undefined) {
      throw new Error(`Cannot use '${directory}': it was just made and is not complete.`);
    }
    return found;
  });
}

function assertWritable(parent: string): void {
  try {
    mkdirSync(parent, { recursive: true });
    accessSync(parent, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Cannot write to '${parent}': ${reason}. Name a folder in one that you may write to.`,
      { cause },
    );
  }
}

function assertReplaceable<T>({ directory, mark }: OnceTarget<T>): void {
  if (!existsSync(directory) || existsSync(join(directory, mark))) return;
  if (readdirSync(directory).length === 0) return;
  throw new Error(
    `Cannot use the folder '${directory}': it holds files but no ${mark}, so it was not made by ` +
      "set-up. Name another folder, or an empty one.",
  );
}

function removeLeftovers(directory: string): void {
  const parent = dirname(directory);
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${basename(directory)}.staging-`)) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}

/** A folder cannot be renamed over another that has files: the old one steps aside first. */
function moveIntoPlace(staging: string, directory: string): void {
  const old = `${staging}.old`;
  if (existsSync(directory)) renameSync(directory, old);
  renameSync(staging, directory);
  rmSync(old, { recursive: true, force: true });
}
