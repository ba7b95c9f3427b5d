// Defines `sallyport known-hosts`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { GATEWAY_OPERAND, NETWORK_OPTIONS, ONE_PROXY, VERBOSE } from "../../shared-options.ts";

export const definition = {
  name: "known-hosts",
  summary: "print a gateway's SSH host keys, to pin them",
  description: `Prints the SSH host keys of a gateway as lines for a known_hosts file, so that the first \`ssh workspace@gateway\` asks nothing. The keys are as trustworthy as the gateway's TLS certificate, which speaks only for the host in the gateway's URL: where the gateway says that its SSH port is at a different host, you are asked on a terminal, and have to name it with --ssh-host elsewhere. Where new keys are announced, both are printed.`,
  operands: { gateway: GATEWAY_OPERAND },
  options: {
    "ssh-host": {
      type: text("NAME"),
      description: "the host of the gateway's SSH port, where that is not the host of its URL",
    },
    json: { description: "print an object" },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  examples: ["sallyport known-hosts https://gateway.example >> ~/.ssh/known_hosts"],
} as const satisfies CommandDefinition;
