/**
 * The flag table as text: `--help` for a terminal, and the tables of docs/cli.md.
 *
 * @module
 */
import type { Flag } from "./flag.ts";
import { FLAG_GROUPS } from "./flags.ts";

/** What `serve --help` prints. */
export function serveHelp(): string {
  const groups = FLAG_GROUPS.map(({ title, flags }) =>
    `${title}:\n${flags.map(flagHelp).join("\n")}\n`
  );
  return [
    "Usage: serve [flags]\n\nRuns a Triton server. The flags are those of NVIDIA's `tritonserver`.\n",
    "  --help\n      Prints this.\n",
    ...groups,
  ].join("\n");
}

function flagHelp(flag: Flag): string {
  const head = `  --${flag.name}${flag.value === undefined ? "" : ` <${flag.value}>`}`;
  return `${head}\n${wrap(description(flag), 90).map((line) => `      ${line}`).join("\n")}`;
}

function description(flag: Flag): string {
  const { default: initial, doc, use } = flag;
  const parts = [doc];
  if (initial !== undefined) parts.push(`Default: ${initial}.`);
  if (use.status === "no effect") parts.push(`Has no effect: ${use.reason}.`);
  if (use.status === "not built") parts.push("Not built yet.");
  return parts.join(" ");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line += line === "" ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}

/** The flags as Markdown tables, one for each group. */
export function flagTables(): string {
  return FLAG_GROUPS.map(({ title, flags }) =>
    [
      `### ${title}\n`,
      "| flag | default | meaning | here |",
      "|---|---|---|---|",
      ...flags.map((flag) => `| ${flagRow(flag).map(cell).join(" | ")} |`),
      "",
    ].join("\n")
  ).join("\n");
}

function flagRow({ name, value, default: initial, doc, use }: Flag): string[] {
  const form = value === undefined ? `\`--${name}\`` : `\`--${name}=<${value}>\``;
  return [
    form,
    initial ?? "",
    doc,
    use.status === "no effect" ? `no effect: ${use.reason}` : use.status,
  ];
}

/** A `|` would end the cell, even in code. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
