/**
 * `setup`: fetches a Triton. The other commands do it too where there is none.
 *
 * @module
 */
import type { TritonInstallation } from "../setup/installation.ts";
import { type SetUpOptions, setUpTriton } from "../setup/setup.ts";
import { CommandError } from "./errors.ts";
import { splitFlags } from "./getopt.ts";

const DIRECTORY = { name: "directory", value: "path" };
const FRESH = { name: "fresh" };

/** Runs `setup` with the arguments behind it. */
export async function setup(args: readonly string[]): Promise<number> {
  let directory: string | undefined;
  let fresh = false;
  for (const { flag, value } of splitFlags(args, [DIRECTORY, FRESH])) {
    if (flag === DIRECTORY) directory = value;
    else fresh = true;
  }
  const triton = await fetchTriton({ directory, fresh });
  console.log(`Triton is set up in ${triton.directory}
  library   ${triton.library}
  backends  ${triton.backendDirectory}
  Python    ${triton.python}`);
  return 0;
}

/** Fetches a Triton, saying on standard error how far it is. */
export async function fetchTriton(
  options: Omit<SetUpOptions, "progress"> = {},
): Promise<TritonInstallation> {
  try {
    return await setUpTriton({ ...options, progress: (line) => console.error(line) });
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    throw new CommandError(`Cannot set up Triton: ${why}`, { cause: reason });
  }
}
