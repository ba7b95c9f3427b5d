// Defines `sallyport version`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";

export const definition = {
  name: "version",
  summary: "print the version",
  description: "Prints the version of sallyport, and what it runs on.",
  options: {
    json: { description: "print an object" },
    verbose: {
      short: "v",
      description:
        "say whether the native parts load: ssh2's cryptography (three times faster), the pty, the keychain",
    },
  },
  examples: ["sallyport version --verbose"],
} as const satisfies CommandDefinition;
