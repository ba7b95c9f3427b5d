// Defines `sallyport shares`: its options, arguments and help.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { text } from "../../../../protocol/command/value-types.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { ACCOUNT_OPTIONS, JSON_OUTPUT, ONE_PROXY, TOKEN_VARIABLES } from "../../shared-options.ts";

const SHARE = {
  description: "the workspace, with its owner, or its id",
  type: {
    ...text("NAME.OWNER"),
    read(given: string): string {
      parseWorkspaceRef(given);
      return given;
    },
  },
} as const;

const common = { operands: { share: SHARE }, options: ACCOUNT_OPTIONS, exclusive: [ONE_PROXY] } as const;

export const definition = {
  name: "shares",
  summary: "accept, decline and leave workspaces that others share with you",
  description: `Lists the workspaces that other accounts share with you, and those that they offer. An offered workspace is not among your workspaces, and is in no SSH configuration, until you accept it. Accept only what you expect from somebody you know: what you do there happens on their machine.`,
  options: {
    ...ACCOUNT_OPTIONS,
    json: { ...JSON_OUTPUT, description: 'print JSON: {"shares":[…]}' },
  },
  exclusive: [ONE_PROXY],
  variables: TOKEN_VARIABLES,
  examples: ["sallyport shares", "sallyport shares accept devbox.ada"],
  subcommands: {
    accept: {
      ...common,
      name: "shares accept",
      summary: "accept an offered workspace",
      description:
        "Accepts a workspace that another account offers: from now on it is among your workspaces.",
      examples: ["sallyport shares accept devbox.ada"],
    },
    decline: {
      ...common,
      name: "shares decline",
      summary: "decline an offered workspace",
      description: "Declines a workspace that another account offers. Its owner can offer it again.",
      examples: ["sallyport shares decline devbox.ada"],
    },
    leave: {
      ...common,
      name: "shares leave",
      summary: "give up a workspace that you have accepted",
      description:
        "Gives up a workspace that you have accepted, and ends your connections to it. Its owner can offer it again.",
      examples: ["sallyport shares leave devbox.ada"],
    },
  },
} as const satisfies CommandDefinition;
