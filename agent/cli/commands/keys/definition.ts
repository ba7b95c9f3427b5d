// Defines `sallyport keys`: its options, arguments and help.

import { UsageError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition, ValueType } from "../../../../protocol/command/definition.ts";
import { FILE, text } from "../../../../protocol/command/value-types.ts";
import { parseKeyId } from "../../../../protocol/values/id.ts";
import { ACCOUNT_OPTIONS, ONE_PROXY, TOKEN_VARIABLES } from "../../shared-options.ts";

/** An id, or a fingerprint, as it was given. */
const KEY: ValueType<string> = {
  hint: "ID|FINGERPRINT",
  read(given) {
    if (given.startsWith("key_")) return parseKeyId(given);
    if (given.startsWith("SHA256:")) return given;
    throw new UsageError("Name the key by its ID (key_…) or its SHA256:… fingerprint.");
  },
};

const common = { exclusive: [ONE_PROXY], variables: TOKEN_VARIABLES } as const;

export const definition = {
  name: "keys",
  summary: "list, add and remove your SSH public keys",
  description: `Manages the SSH public keys of your account. Anyone who holds the private half of one can log in to your workspaces.

A key opens nothing until its private half has signed.`,
  options: {},
  examples: ["sallyport keys add ~/.ssh/id_ed25519.pub"],
  needsSubcommand: true,
  subcommands: {
    list: {
      ...common,
      name: "keys list",
      summary: "list the keys",
      description: "Lists the keys of your account, and those that still have to be proved.",
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport keys list"],
    },
    add: {
      ...common,
      name: "keys add",
      summary: "add a key",
      description: `Adds a public key to your account. Without a file, looks for ~/.ssh/id_*.pub and asks the SSH agent.

A key opens nothing until its private half has signed: ssh-keygen does that here, and may ask for a passphrase or a touch. Add a key that is on a different machine with --no-proof; it is proved there by an ssh command and a code, which are shown.`,
      operands: {
        file: { type: { ...FILE, hint: "FILE.pub" }, optional: true, description: "the public key" },
      },
      options: {
        title: { type: text("TEXT"), description: "a name for the key", otherwise: "its comment" },
        "no-proof": { description: "only name the key: its private half is not here" },
        ...ACCOUNT_OPTIONS,
      },
      examples: ["sallyport keys add ~/.ssh/id_ed25519.pub"],
    },
    remove: {
      ...common,
      name: "keys remove",
      summary: "remove a key",
      description: "Removes a key from your account. Connections that it opened end.",
      operands: {
        key: { type: KEY, description: "the key's id (key_…) or SHA256:… fingerprint" },
      },
      options: ACCOUNT_OPTIONS,
      examples: ["sallyport keys remove key_1f2e3d4c5b6a7980"],
    },
  },
} as const satisfies CommandDefinition;
