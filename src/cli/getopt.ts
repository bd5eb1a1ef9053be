/**
 * Splits a command line into flags and their values as GNU `getopt_long` does for `tritonserver`:
 * `--flag=value`, `--flag value`, unambiguous beginnings of a flag's name, `--` as the end of flags.
 * Knows nothing of what a flag means.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** What the splitting must know of a flag. */
export interface FlagShape {
  /** Without the leading dashes. */
  readonly name: string;
  /** What the value is; absent for a flag that takes none. */
  readonly value?: string;
}

/** One flag of a command line, with its value; empty for a flag that takes none. */
export interface FlagUse<F extends FlagShape> {
  readonly flag: F;
  readonly value: string;
}

/**
 * The uses of `flags` in `args`, in order and one by one, so that a wrong value is reported before a
 * wrong flag behind it.
 *
 * @throws {CommandError} for an unknown or ambiguous flag, a value missing or in excess, and, after
 * all flags, for an argument that is no flag.
 */
export function* splitFlags<F extends FlagShape>(
  args: readonly string[],
  flags: readonly F[],
): Generator<FlagUse<F>> {
  const others: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") {
      others.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      others.push(arg);
      continue;
    }
    if (!arg.startsWith("--")) {
      throw new CommandError(`invalid option '${arg}': flags begin with two dashes`);
    }
    const equals = arg.indexOf("=");
    const flag = findFlag(arg.slice(2, equals < 0 ? undefined : equals), flags);
    const inline = equals < 0 ? undefined : arg.slice(equals + 1);
    if (flag.value === undefined) {
      if (inline !== undefined) {
        throw new CommandError(`option '--${flag.name}' doesn't allow an argument`);
      }
      yield { flag, value: "" };
      continue;
    }
    // As in getopt, a value that follows is taken whatever it looks like.
    const value = inline ?? args[++i];
    if (value === undefined) {
      throw new CommandError(`option '--${flag.name}' requires an argument`);
    }
    yield { flag, value };
  }
  if (others.length > 0) throw new CommandError(`Unexpected argument: ${others[0]}`);
}

function findFlag<F extends FlagShape>(name: string, flags: readonly F[]): F {
  const exact = flags.find((flag) => flag.name === name);
  if (exact !== undefined) return exact;
  const matches = flags.filter((flag) => flag.name.startsWith(name));
  if (matches.length === 1) return matches[0];
  if (matches.length > 1) {
    const names = matches.map((flag) => `'--${flag.name}'`).join(" ");
    throw new CommandError(`option '--${name}' is ambiguous; possibilities: ${names}`);
  }
  const close = nearest(name, flags.map((flag) => flag.name));
  throw new CommandError(
    `unrecognized option '--${name}'` + (close === undefined ? "" : `; did you mean '--${close}'?`),
  );
}
