// Defines `sallyport config-ssh`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { choice, FILE } from "../../../../protocol/command/value-types.ts";
import {
  GATEWAY_OPTION,
  NETWORK_OPTIONS,
  ONE_PROXY,
  TOKEN_VARIABLES,
  VERBOSE,
} from "../../shared-options.ts";

export const definition = {
  name: "config-ssh",
  summary: "put your workspaces into your SSH configuration",
  description: `Puts every workspace that you can reach into your SSH configuration, so that \`ssh web.gateway.example\`, scp, rsync, git and editors work without \`sallyport\` in front. The hosts are in ~/.ssh/sallyport/config, which Sallyport alone writes; your own ~/.ssh/config gets one Include line at its top, after you have seen the change and said yes. Run it again when workspaces come and go.`,
  options: {
    transport: {
      type: choice(["auto", "direct", "tunnel"], "HOW"),
      description:
        "`direct`: through the gateway's SSH port; `tunnel`: over WebSocket (HTTPS), where port 22 is blocked; `auto`: keep each workspace's transport, and use direct for new ones",
      default: "auto",
      config: true,
    },
    file: {
      type: FILE,
      description: "the SSH configuration to change",
      otherwise: "~/.ssh/config",
      config: true,
    },
    gateway: {
      ...GATEWAY_OPTION,
      description: "only the workspaces of this gateway",
      otherwise: "of all that you are signed in at",
    },
    "dry-run": { description: "show what would be written, and write nothing" },
    yes: { description: "change the SSH configuration without asking" },
    remove: {
      description:
        "take everything out again: your own file is then as it was, byte for byte; the Host blocks are deleted once no file includes them",
    },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  variables: { ...TOKEN_VARIABLES, SALLYPORT_SSH: "a different ssh program" },
  examples: ["sallyport config-ssh", "sallyport config-ssh --remove"],
} as const satisfies CommandDefinition;
