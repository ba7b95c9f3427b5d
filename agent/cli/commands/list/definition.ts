// Defines `sallyport list`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { ACCOUNT_OPTIONS, JSON_OUTPUT, ONE_PROXY, TOKEN_VARIABLES } from "../../shared-options.ts";

export const definition = {
  name: "list",
  summary: "list the workspaces that you can reach",
  description: "Lists the workspaces that you can reach: your own and those shared with you.",
  options: {
    watch: { description: "keep running, and show each change" },
    ...ACCOUNT_OPTIONS,
    json: { ...JSON_OUTPUT, description: 'print JSON: {"workspaces":[…]}; with --watch one event per line' },
  },
  exclusive: [ONE_PROXY],
  variables: TOKEN_VARIABLES,
  examples: ["sallyport list --watch"],
} as const satisfies CommandDefinition;
