// Defines `sallyport help`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";

export const definition = {
  name: "help",
  summary: "explain a command",
  description:
    "Explains a command: what it does, its options, and an example. Without a command, lists all of them. `sallyport COMMAND --help` does the same.",
  operands: {
    command: {
      type: text("COMMAND"),
      repeated: true,
      description: "the command, and its subcommand where it has some",
    },
  },
  options: { man: { description: "print a man page (roff) instead; `man -l -` shows it" } },
  examples: ["sallyport help ssh", "sallyport help token create", "sallyport help --man ssh | man -l -"],
} as const satisfies CommandDefinition;
