// Defines `sallyport logout`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { GATEWAY_OPERAND, NETWORK_OPTIONS, ONE_PROXY, VERBOSE } from "../../shared-options.ts";

export const definition = {
  name: "logout",
  summary: "end a sign-in at a gateway",
  description:
    "Ends the sign-in at a gateway, and removes it from this machine. An access token that you signed in with is only removed: the gateway still accepts it, unless --revoke is given.",
  operands: { gateway: GATEWAY_OPERAND },
  options: {
    revoke: {
      description:
        "revoke an access token at the gateway first, and with it every token that was made with it: a host that uses one of those is cut off",
    },
    verbose: VERBOSE,
    ...NETWORK_OPTIONS,
  },
  exclusive: [ONE_PROXY],
  examples: ["sallyport logout https://gateway.example"],
} as const satisfies CommandDefinition;
