// Defines `sallyport completion`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { choice } from "../../../../protocol/command/value-types.ts";

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export const definition = {
  name: "completion",
  summary: "print a script that completes commands and options in a shell",
  description:
    "Prints a script that makes a shell complete the commands of sallyport, their options and what these take.",
  operands: { shell: { type: choice(SHELLS, "SHELL"), description: SHELLS.join(", ") } },
  options: {},
  examples: [
    "sallyport completion bash > ~/.local/share/bash-completion/completions/sallyport",
    "sallyport completion zsh > ~/.zfunc/_sallyport  # in a directory of fpath",
    "sallyport completion fish > ~/.config/fish/completions/sallyport.fish",
    "sallyport completion powershell | Out-String | Invoke-Expression  # in your $PROFILE",
  ],
} as const satisfies CommandDefinition;
