// What `--help` prints.

import type { CommandDefinition } from "../../../protocol/command/definition.ts";
import { operandList, optionGroups, type ShownOption, usageLines, variableList } from "./synopsis.ts";

const WIDTH = 100;
/** The column where descriptions begin, and the longest term that still has its description on the same line. */
const INDENT = 26;

/** All commands, each with its summary. */
export function overview(definitions: readonly CommandDefinition[]): string {
  const width = Math.max(...definitions.map(({ name }) => name.length));
  const lines = definitions.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: sallyport COMMAND [options]

Reach your workspaces over SSH, on any network.

Commands:
${lines.join("\n")}

Example:
  sallyport login https://gateway.example
  sallyport ssh my-workspace

Run \`sallyport help COMMAND\` for its options and an example.
`;
}

/** One command. */
export function helpText(definition: CommandDefinition): string {
  const { description, examples, subcommands = {} } = definition;
  const usage = usageLines(definition).map((line, index) => `${index === 0 ? "Usage: " : "       "}${line}`);
  const parts = [
    usage.join("\n"),
    paragraphs(description, WIDTH),
    section(
      "Subcommands",
      Object.entries(subcommands).map(([term, { summary }]) => ({ term, text: summary })),
    ),
    section("Arguments", operandList(definition)),
    ...optionGroups(definition).map(({ title, options }) => section(title, options)),
    section("Environment", variableList(definition)),
    `${examples.length === 1 ? "Example" : "Examples"}:\n${examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** The definition of the deepest subcommand that the words name; options are skipped. */
export function namedSubcommand(definition: CommandDefinition, words: readonly string[]): CommandDefinition {
  let named = definition;
  for (const word of words) {
    const { subcommands = {} } = named;
    if (Object.hasOwn(subcommands, word)) named = subcommands[word] ?? named;
  }
  return named;
}

function section(title: string, entries: readonly ShownOption[]): string {
  if (entries.length === 0) return "";
  return `${title}:\n${entries.map(entry).join("\n")}`;
}

function entry({ term, text }: ShownOption): string {
  const lines = wrapped(text, WIDTH - INDENT);
  const rest = (from: number) => lines.slice(from).map((line) => `${" ".repeat(INDENT)}${line}`);
  if (term.length > INDENT - 4) return [`  ${term}`, ...rest(0)].join("\n");
  return [`  ${term.padEnd(INDENT - 2)}${lines[0] ?? ""}`, ...rest(1)].join("\n");
}

/** Paragraphs that begin with two spaces keep their lines. */
function paragraphs(text: string, width: number): string {
  return text
    .split("\n\n")
    .map((paragraph) => (paragraph.startsWith("  ") ? paragraph : wrapped(paragraph, width).join("\n")))
    .join("\n\n");
}

/** Lines of at most `width` columns. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  // What is in backticks stays on one line, unless it is longer than one.
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
