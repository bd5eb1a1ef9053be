/**
 * The commands of the command line, and what they have in common.
 *
 * @module
 */
import packageConfig from "../../deno.json" with { type: "json" };
import { CommandError } from "./errors.ts";
import { nearest } from "./nearest.ts";

const USAGE = `Usage: cli.ts <command> [flags]

Commands:
  serve   Runs a Triton server; takes the flags of NVIDIA's tritonserver.
  setup   Fetches a Triton, which serve does by itself where there is none.
          --directory <path>  where to; the default is a folder of the user's cache
          --fresh             fetches it anew
  demo    Serves a model, sends it requests and shows the answers.
          --once              stops then
          --http-port <port>, --grpc-port <port>, --metrics-port <port>

  --help     Prints this; behind serve, prints its flags.
  --version  Prints the version.`;

/** What runs a command with the arguments behind it, and resolves to the exit code. */
type Command = (args: readonly string[]) => Promise<number>;

/** Imported when they are called for, so that `--help` does not wait for the front ends. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  serve: async () => (await import("./serve.ts")).serve,
  setup: async () => (await import("./setup.ts")).setup,
  demo: async () => (await import("./demo.ts")).demo,
};

/** Runs the command line `args` and resolves to the exit code of the process. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  if (name === "--version") {
    console.log(`${packageConfig.name} ${packageConfig.version}`);
    return 0;
  }
  if (name === "--help" || (name !== "serve" && rest.includes("--help"))) {
    console.log(USAGE);
    return 0;
  }
  try {
    const command = await findCommand(name);
    return await command(rest);
  } catch (reason) {
    if (!(reason instanceof CommandError)) throw reason;
    console.error(reason.message);
    return 1;
  }
}

async function findCommand(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return await COMMANDS[name]();
  if (name.startsWith("-")) {
    throw new CommandError(`Flags come behind a command: did you mean 'serve ${name}'?`);
  }
  const names = Object.keys(COMMANDS);
  const close = nearest(name, names);
  throw new CommandError(
    `Unknown command '${name}': ` +
      (close === undefined ? `the commands are ${names.join(", ")}` : `did you mean '${close}'?`),
  );
}
