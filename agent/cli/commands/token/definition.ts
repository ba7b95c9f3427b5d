// Defines `sallyport token`: its options, arguments and help.

import { DEFAULT_OWNER_TOKEN_SECONDS, TOKEN_SCOPES } from "../../../../protocol/api.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { parseDuration } from "../../../../protocol/command/duration.ts";
import { choice, text } from "../../../../protocol/command/value-types.ts";
import { parseTokenId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { formatDuration } from "../../../platform/duration.ts";
import { ACCOUNT_OPTIONS, ONE_PROXY, TOKEN_VARIABLES, WORKSPACE_OPERAND } from "../../shared-options.ts";

const common = { exclusive: [ONE_PROXY], variables: TOKEN_VARIABLES } as const;

const TOKEN_ID = {
  description: "the token's id (tok_…), as the list shows it",
  type: { hint: "ID", read: (given: string) => parseTokenId(given, "The token's ID") },
} as const;

export const definition = {
  name: "token",
  summary: "create, list and revoke access tokens and owner tokens",
  description: `An access token (spt_…) proves your account; an owner token (spo_…) opens one workspace, without an account. A new token is printed once, alone on standard output; the gateway keeps only its hash. A token made with another token ends with it: at the latest when that one expires or is revoked.`,
  options: {},
  examples: [
    'sallyport token create --title "build machine" --scope host --workspace build --expires 90d > token',
    "sallyport token owner my-workspace --expires 2h",
  ],
  needsSubcommand: true,
  subcommands: {
    create: {
      name: "token create",
      summary: "create an access token",
      description: `Creates an access token, and prints it once.

A token with the scope host alone is for one workspace: the one that --workspace names, or else the first that it registers. With --reusable it registers any workspace of your account. The scope scim is for an identity provider that makes and disables accounts, goes with no other, and is given by administrators only.`,
      usage: "--title TEXT --scope SCOPE… [options]",
      options: {
        title: { type: text("TEXT"), description: "what the token is for" },
        scope: {
          type: choice(TOKEN_SCOPES, "SCOPE"),
          repeated: "separated",
          description: `${TOKEN_SCOPES.join(", ")}; repeat it, or separate by commas`,
        },
        workspace: {
          type: { hint: "NAME", read: (given: string, name: string) => parseName(given, name) },
          description: "the workspace that a host's token is for; it need not exist yet",
        },
        reusable: { description: "a host's token for any number of workspaces" },
        expires: {
          type: {
            hint: "TIME",
            read: (given: string, name: string) => (given === "never" ? null : parseDuration(given, name)),
          },
          description: "such as 12h or 30d, or `never`",
          default: "30d",
        },
        ...ACCOUNT_OPTIONS,
      },
      exclusive: [{ options: ["workspace", "reusable"] }, ONE_PROXY],
      variables: TOKEN_VARIABLES,
      examples: [
        'sallyport token create --title "build machine" --scope host --workspace build --expires 90d > token',
      ],
    },
    list: {
      ...common,
      name: "token list",
      summary: "list the access tokens of your account",
      description: "Lists the access tokens of your account, without their secrets.",
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport token list"],
    },
    revoke: {
      ...common,
      name: "token revoke",
      summary: "revoke an access token",
      description:
        "Revokes an access token, and every token that was made with it. What they opened ends at once.",
      operands: { id: TOKEN_ID },
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport token revoke tok_1f2e3d4c5b6a7980"],
    },
    owner: {
      ...common,
      name: "token owner",
      summary: "create an owner token, which opens one workspace",
      description:
        "Creates an owner token for a workspace of yours, and prints it once. Anyone who has it can open the workspace until it expires.",
      operands: { workspace: WORKSPACE_OPERAND },
      options: {
        expires: {
          type: { hint: "TIME", read: (given: string, name: string) => parseDuration(given, name) },
          description: "such as 2h or 3d",
          default: formatDuration(DEFAULT_OWNER_TOKEN_SECONDS),
        },
        ...ACCOUNT_OPTIONS,
      },
      examples: ["sallyport token owner my-workspace --expires 2h"],
    },
    "owner-list": {
      ...common,
      name: "token owner-list",
      summary: "list the owner tokens of a workspace",
      description: "Lists the owner tokens of a workspace of yours, without their secrets.",
      operands: { workspace: WORKSPACE_OPERAND },
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport token owner-list my-workspace"],
    },
    "owner-revoke": {
      ...common,
      name: "token owner-revoke",
      summary: "revoke an owner token of a workspace",
      description: "Revokes an owner token of a workspace of yours. What it opened ends at once.",
      operands: { workspace: WORKSPACE_OPERAND, id: TOKEN_ID },
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport token owner-revoke my-workspace tok_1f2e3d4c5b6a7980"],
    },
  },
} as const satisfies CommandDefinition;
