// Defines `sallyport logout`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { GATEWAY_OPERAND, NETWORK_OPTIONS, ONE_PROXY, VERBOSE } from "../../shared-options.ts";

export const definition = {
  name: "logout",
  summary: "forget a gateway's access token",
  description:
    "Removes the access token for a gateway from this machine. The gateway still accepts it, unless --revoke is given.",
  operands: { gateway: GATEWAY_OPERAND },
  options: {
    revoke: {
      description:
        "revoke the token at the gateway first, and with it every token that was made with it: a host that uses one of those is cut off",
    },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  examples: ["sallyport logout https://gateway.example --revoke"],
} as const satisfies CommandDefinition;
