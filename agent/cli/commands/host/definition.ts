// Defines `sallyport host`: its options, arguments and help. The subcommands that make a service of it are in service/.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { ONE_PROXY } from "../../shared-options.ts";
import { HOST_OPTIONS } from "./host-options.ts";
import { SERVICE_SUBCOMMANDS } from "./service/definition.ts";

export const definition = {
  name: "host",
  summary: "make this machine reachable as a workspace",
  description: `Makes this machine a workspace: registers it at the gateway, and accepts SSH connections from people who hold an allowed key. Runs until it is stopped, and reconnects after every loss of the network.`,
  usage: "--gateway URL [options]",
  options: HOST_OPTIONS,
  exclusive: [{ options: ["token", "token-file", "open"] }, ONE_PROXY],
  variables: {
    SALLYPORT_TOKEN: "the access token, where SALLYPORT_GATEWAY names this gateway",
    SALLYPORT_TOKEN_FILE: "a file that holds it",
    SALLYPORT_ALLOW_PLAIN_HTTP: "`1` has the effect of --allow-plain-http",
  },
  examples: [
    "SALLYPORT_GATEWAY=https://gateway.example SALLYPORT_TOKEN=$(cat token) sallyport host --name devbox",
  ],
  subcommands: SERVICE_SUBCOMMANDS,
} as const satisfies CommandDefinition;
