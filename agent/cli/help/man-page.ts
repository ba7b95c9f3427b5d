// Man pages in roff (man(7)): `sallyport(1)`, and one page per command with its subcommands in sections of their own. Shown by
// `sallyport help --man`, and written into dist/man/ by the build.

import type { CommandDefinition } from "../../../protocol/command/definition.ts";
import { operandList, optionGroups, type ShownOption, usageLines, variableList } from "./synopsis.ts";

/** Every page by its file name: `sallyport.1`, `sallyport-token.1`. */
export function manPages(
  definitions: readonly CommandDefinition[],
  version: string,
): ReadonlyMap<string, string> {
  return new Map([
    ["sallyport.1", overviewPage(definitions, version)],
    ...definitions.map((each): [string, string] => [`sallyport-${each.name}.1`, manPage(each, version)]),
  ]);
}

export function overviewPage(definitions: readonly CommandDefinition[], version: string): string {
  return lines([
    header("sallyport", version),
    ".SH NAME",
    "sallyport \\- reach your workspaces over SSH, on any network",
    ".SH SYNOPSIS",
    ".B sallyport",
    "\\fICOMMAND\\fR [options]",
    ".SH COMMANDS",
    ...definitions.flatMap(({ name, summary }) => [
      ".TP",
      `\\fBsallyport\\-${escaped(name)}\\fR(1)`,
      sentence(summary),
    ]),
    ".SH CONFIGURATION FILE",
    sentence(
      "`config.json` in the configuration directory (~/.config/sallyport on Linux, ~/Library/Application Support/sallyport on macOS, %APPDATA%\\sallyport on Windows; SALLYPORT_CONFIG names a different one) sets options that neither the command line nor the environment sets. `options` holds those of every command, `commands` those of single ones. `sallyport config` shows each value and where it comes from.",
    ),
    ...verbatim([
      "{",
      '  "options": { "gateway": "https://gateway.example" },',
      '  "commands": { "host": { "name": "devbox" }, "token create": { "expires": "7d" } }',
      "}",
    ]),
    ".SH EXIT STATUS",
    sentence("0: done. 1: failed. 2: the command line is wrong. `sallyport ssh` exits as ssh does."),
  ]);
}

/** A command with all of its subcommands. */
export function manPage(definition: CommandDefinition, version: string): string {
  const { name, summary, subcommands = {} } = definition;
  return lines([
    header(`sallyport-${name}`, version),
    ".SH NAME",
    `sallyport\\-${escaped(name)} \\- ${sentence(summary)}`,
    ".SH SYNOPSIS",
    ".nf",
    ...usageLines(definition).map((line) => `\\fB${escaped(line)}\\fR`),
    ".fi",
    ".SH DESCRIPTION",
    ...body(definition, ".SH"),
    ...Object.values(subcommands).flatMap((each) => subcommandSection(each)),
    ".SH SEE ALSO",
    "\\fBsallyport\\fR(1)",
  ]);
}

function subcommandSection(definition: CommandDefinition): readonly string[] {
  return [
    `.SH ${quoted(`sallyport ${definition.name}`.toUpperCase())}`,
    ...body(definition, ".SS"),
    ...Object.values(definition.subcommands ?? {}).flatMap((each) => subcommandSection(each)),
  ];
}

function body(definition: CommandDefinition, heading: ".SH" | ".SS"): readonly string[] {
  const section = (title: string, entries: readonly ShownOption[]) =>
    entries.length === 0
      ? []
      : [`${heading} ${quoted(heading === ".SH" ? title.toUpperCase() : title)}`, ...list(entries)];
  return [
    ...paragraphs(definition.description),
    ...section("Arguments", operandList(definition)),
    ...optionGroups(definition).flatMap(({ title, options }) => section(title, options)),
    ...section("Environment", variableList(definition)),
    `${heading} ${heading === ".SH" ? "EXAMPLES" : "Examples"}`,
    ...verbatim(definition.examples),
  ];
}

function header(title: string, version: string): string {
  return `.TH ${quoted(title.toUpperCase())} 1 "" ${quoted(`sallyport ${version}`)} "Sallyport"`;
}

function list(entries: readonly ShownOption[]): readonly string[] {
  return entries.flatMap(({ term, text }) => [".TP", `\\fB${escaped(term)}\\fR`, sentence(text)]);
}

function paragraphs(text: string): readonly string[] {
  return text
    .split("\n\n")
    .flatMap((paragraph) =>
      paragraph.startsWith("  ") ? verbatim(paragraph.split("\n")) : [".PP", sentence(paragraph)],
    );
}

function verbatim(text: readonly string[]): readonly string[] {
  return [".PP", ".RS 4", ".nf", ...text.map((line) => guarded(escaped(line))), ".fi", ".RE"];
}

/** `code` in bold. */
function sentence(text: string): string {
  return guarded(escaped(text).replace(/`([^`]*)`/g, "\\fB$1\\fR"));
}

/** A line that begins with a dot or an apostrophe would be a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Pages are ASCII, so that every roff reads them. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/\P{ASCII}/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    });
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', "")}"`;
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
