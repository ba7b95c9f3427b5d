// Defines `sallyport config`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { JSON_OUTPUT } from "../../shared-options.ts";

export const definition = {
  name: "config",
  summary: "show the configuration, and where each value comes from",
  description: `Shows which options the environment and the configuration file set, and for one command the value of every option. Checks the whole file. The file is config.json in the configuration directory (~/.config/sallyport on Linux):

  { "options": { "gateway": "https://gateway.example" },
    "commands": { "host": { "name": "devbox" } } }

The command line comes first, then the environment, then the file. It holds no tokens.`,
  operands: {
    command: { type: text("COMMAND"), repeated: true, description: "only this command, with its defaults" },
  },
  options: { json: JSON_OUTPUT },
  variables: { SALLYPORT_CONFIG: "the directory of the file, and of what Sallyport keeps for you" },
  examples: ["sallyport config", "sallyport config host", "sallyport config token create"],
} as const satisfies CommandDefinition;
