// Defines `sallyport doctor`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { choice, FILE } from "../../../../protocol/command/value-types.ts";
import {
  ACCOUNT_OPTIONS,
  JSON_OUTPUT,
  ONE_PROXY,
  TOKEN_VARIABLES,
  WORKSPACE_OPERAND,
} from "../../shared-options.ts";

export const definition = {
  name: "doctor",
  summary: "find out where a connection to a workspace fails",
  description: `Tries every step of a connection to a workspace: the gateway's name, ports and certificate, SSH and WebSockets to it, your sign-in, the workspace, its host key, your key, a command, and a forwarded port. Says how long each took and, where one fails, what that means and what to do. Asks nobody for anything, and changes nothing. The exit status is 0 if every step worked.`,
  operands: { workspace: WORKSPACE_OPERAND },
  options: {
    transport: {
      type: choice(["auto", "direct", "tunnel"], "HOW"),
      description: "auto, direct or tunnel",
      default: "auto",
      config: true,
    },
    "ssh-config": {
      type: FILE,
      description: "your SSH configuration; `none`: without it",
      otherwise: "~/.ssh/config",
      config: true,
    },
    markdown: {
      description:
        "print the report as Markdown, to paste into an issue; without tokens and your home directory's name",
    },
    ...ACCOUNT_OPTIONS,
    json: { ...JSON_OUTPUT, description: "print the report as JSON" },
  },
  exclusive: [ONE_PROXY],
  variables: { ...TOKEN_VARIABLES, SALLYPORT_SSH: "a different ssh program" },
  examples: ["sallyport doctor my-workspace"],
} as const satisfies CommandDefinition;
