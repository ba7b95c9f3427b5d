// Defines `sallyport workspace`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { ACCOUNT_OPTIONS, ONE_PROXY, TOKEN_VARIABLES, WORKSPACE_OPERAND } from "../../shared-options.ts";

export const definition = {
  name: "workspace",
  summary: "look at a workspace's host keys, and accept or decline a changed one",
  description: "Looks after a workspace of yours.",
  options: {},
  examples: ["sallyport workspace host-key devbox"],
  needsSubcommand: true,
  subcommands: {
    "host-key": {
      name: "workspace host-key",
      summary: "show a workspace's host keys, and accept or decline a changed one",
      description: `Shows the host keys that a workspace is known by, and the keys of hosts that came under its name with a different one. Such a host is not let in, and nobody is connected to it, until you accept its key. Compare the fingerprint with what the host itself prints: a key that you do not expect may belong to somebody else's machine.`,
      operands: { workspace: WORKSPACE_OPERAND },
      options: {
        accept: {
          type: text("FINGERPRINT"),
          description:
            "the host with this key takes the workspace over when it registers next, within seconds if it is waiting",
        },
        decline: { type: text("FINGERPRINT"), description: "the host with this key is turned away" },
        ...ACCOUNT_OPTIONS,
      },
      exclusive: [{ options: ["accept", "decline"] }, ONE_PROXY],
      variables: TOKEN_VARIABLES,
      examples: [
        "sallyport workspace host-key devbox --accept SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
      ],
    },
  },
} as const satisfies CommandDefinition;
