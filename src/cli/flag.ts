/**
 * What the flag tables in `flags/` are made of.
 *
 * @module
 */
import type { Draft } from "./draft.ts";

/** One flag of `serve`. */
export interface Flag {
  /** Without the leading dashes. */
  readonly name: string;
  /** What its value is, as `--help` shows it; absent for a flag without one. */
  readonly value?: string;
  /** The default as `--help` shows it; absent where there is none worth a word. */
  readonly default?: string;
  /** What it does, in one or a few sentences. */
  readonly doc: string;
  /** What becomes of it here. */
  readonly use: FlagUsage;
}

/** What becomes of a flag's value. */
export type FlagUsage =
  /** It sets an option. */
  | { readonly status: "built"; readonly read: (text: string, draft: Draft) => void }
  /** It is checked and then does nothing, and the operator is told why. */
  | {
    readonly status: "no effect";
    readonly check: (text: string) => unknown;
    readonly reason: string;
  }
  /** It is refused, except for values that mean what happens anyway. */
  | { readonly status: "not built"; readonly harmless: (text: string) => boolean };

/** Flags under one heading. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

/** The usage of a flag that sets an option. */
export function built(read: (text: string, draft: Draft) => void): FlagUsage {
  return { status: "built", read };
}

/** The usage of a flag that is accepted where `check` does not throw, and does nothing. */
export function noEffect(check: (text: string) => unknown, reason: string): FlagUsage {
  return { status: "no effect", check, reason };
}

/** The usage of a flag that is refused except where `harmless` is true. */
export function notBuilt(harmless: (text: string) => boolean = () => false): FlagUsage {
  return { status: "not built", harmless };
}
