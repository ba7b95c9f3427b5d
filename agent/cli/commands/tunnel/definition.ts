// Defines `sallyport tunnel`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { NETWORK_OPTIONS, ONE_PROXY, TOKEN_VARIABLES, WORKSPACE_OPERAND } from "../../shared-options.ts";
import { GATEWAY } from "../../value-types.ts";

export const definition = {
  name: "tunnel",
  summary: "carry SSH over WebSocket: ssh's ProxyCommand, or a local port",
  description: `Connects stdin and stdout to a workspace's SSH server, through the gateway, over WebSocket (HTTPS).

Signs in with SALLYPORT_TOKEN or the file that SALLYPORT_TOKEN_FILE names, where SALLYPORT_GATEWAY names this gateway, or with what \`sallyport login\` left.`,
  operands: {
    gateway: { type: GATEWAY, description: "the gateway's URL" },
    workspace: WORKSPACE_OPERAND,
  },
  options: {
    listen: {
      type: text("HOST:PORT|PATH"),
      description:
        "listen on a local port instead (loopback only; port 0 takes any free one), or on a Unix socket: a path with a slash in it, such as ./ws.sock. Every user of this machine can connect to a port; only you can use the socket (0600)",
    },
    json: {
      description:
        'with --listen: {"event":"ready","listen":"HOST:PORT"} (or a path) first on stdout, then for each connection {"event":"state","connection":1,"state":"connected"|"reconnecting"|"lost"}',
    },
    verbose: { short: "v", description: "log each step to stderr" },
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  variables: TOKEN_VARIABLES,
  examples: [
    "# In an SSH config:",
    "Host devbox",
    "  ProxyCommand sallyport tunnel https://gateway.example devbox",
  ],
} as const satisfies CommandDefinition;
