// docs/commands.md: every command in Markdown. A test holds that the file is what this makes.

import type { CommandDefinition } from "../../../protocol/command/definition.ts";
import { NETWORK_GROUP, NETWORK_OPTIONS } from "../shared-options.ts";
import { operandList, optionGroups, type ShownOption, usageLines, variableList } from "./synopsis.ts";
import { wrapped } from "./text.ts";

const COLUMNS = 120;

export function commandReference(definitions: readonly CommandDefinition[]): string {
  const contents = definitions.map(({ name, summary }) =>
    item(`[\`sallyport ${name}\`](#sallyport-${name}): ${summary}`),
  );
  return `# Commands

<!-- Made from the definitions of the commands by \`npx vitest run test/unit/agent/cli/help -u\`. Do not edit. -->

Options may come from four places; the first one that has a value counts: the command line, the environment, the
[configuration file](#the-configuration-file), the default.

${contents.join("\n")}

${CONFIGURATION_FILE}
## Network options

Every command that talks to a gateway takes these options.

${NETWORK.map(({ term, text }) => item(`\`${term}\`: ${text}`)).join("\n")}

${definitions.map((each) => command(each, 2)).join("\n")}`;
}

const CONFIGURATION_FILE = `## The configuration file

\`config.json\` in the configuration directory: \`~/.config/sallyport\` on Linux, \`~/Library/Application Support/sallyport\`
on macOS, \`%APPDATA%\\sallyport\` on Windows, or where \`SALLYPORT_CONFIG\` points. \`options\` holds options of every
command, \`commands\` those of single commands, by their whole names:

\`\`\`json
{
  "options": { "gateway": "https://gateway.example", "ca": "/etc/ssl/corp.pem" },
  "commands": { "host": { "name": "devbox" }, "gateway": { "http": "0.0.0.0:8022" } }
}
\`\`\`

It never holds a token or a proxy's password, and is refused if other users can change it. Options marked † may be set
there. \`sallyport config\` shows each value and where it comes from.
`;

const NETWORK = optionGroups({
  name: "",
  summary: "",
  description: "",
  options: NETWORK_OPTIONS,
  examples: [],
}).flatMap(({ options }) => options.map(({ term, text }) => ({ term, text: `${text} †` })));

function command(definition: CommandDefinition, level: number): string {
  const { name, description, examples, options, subcommands = {} } = definition;
  const configured = new Set(
    Object.entries(options).flatMap(([option, { config }]) => (config ? [`--${option}`] : [])),
  );
  const parts = [
    `${"#".repeat(level)} sallyport ${name}`,
    fence(usageLines({ ...definition, subcommands: {} })),
    markdown(description),
    list("Arguments", operandList(definition)),
    ...optionGroups(definition).map(({ title, options: shown }) =>
      title === NETWORK_GROUP
        ? "Also takes the [network options](#network-options)."
        : list(
            title,
            shown.map(({ term, text }) => ({
              term,
              text: configured.has(/--[a-z-]+/.exec(term)?.[0] ?? "") ? `${text} †` : text,
            })),
          ),
    ),
    list("Environment", variableList(definition)),
    fence(examples),
  ];
  const own = parts.filter((part) => part !== "").join("\n\n");
  return `${own}\n${Object.values(subcommands)
    .map((each) => `\n${command(each, level + 1)}`)
    .join("")}`;
}

function list(title: string, entries: readonly ShownOption[]): string {
  if (entries.length === 0) return "";
  return `**${title}**\n\n${entries.map(({ term, text }) => item(`\`${term}\`: ${text}`)).join("\n")}`;
}

function item(text: string): string {
  return `- ${wrapped(text, COLUMNS - 2).join("\n  ")}`;
}

function fence(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `\`\`\`\n${lines.join("\n")}\n\`\`\``;
}

function markdown(text: string): string {
  return text
    .split("\n\n")
    .map((paragraph) =>
      paragraph.startsWith("  ")
        ? fence(paragraph.split("\n").map((line) => line.slice(2)))
        : wrapped(paragraph, COLUMNS).join("\n"),
    )
    .join("\n\n");
}
