// `sallyport version`: what runs, on what, and whether its native parts are the fast ones.

import { createRequire } from "node:module";
import { release } from "node:os";
import type { Command, CommandContext } from "../../../../protocol/command/command.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { nativeCrypto, nativeParts, nativePty } from "../../../platform/native-parts.ts";
import { json } from "../../../platform/output.ts";
import { positionals as noMore, readArguments } from "../../arguments.ts";

const help = `
Usage: sallyport version [options]

Options:
  --json      print an object
  --verbose   say whether the native parts load: ssh2's cryptography (three times faster), the pty, the keychain

Example:
  sallyport version --verbose
`;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, {
    json: { type: "boolean" },
    verbose: { type: "boolean" },
  });
  noMore(positionals);
  const facts = {
    version: VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    system: release(),
  };
  const native =
    values.verbose === true
      ? { sshCiphers: nativeCrypto(), terminals: nativePty(), keychain: keychainLoads() }
      : undefined;
  if (values.json === true) {
    context.stdout.write(json({ ...facts, native }));
    return 0;
  }
  context.stdout.write(`sallyport ${VERSION} (Node ${facts.node}, ${facts.platform}, ${facts.system})\n`);
  if (native !== undefined) {
    const keychain = native.keychain ? "yes" : "no (keytar does not load)";
    context.stdout.write(`${nativeParts()}; keychain: ${keychain}\n`);
  }
  return 0;
}

/** The keychain's addon wants libsecret on Linux: where it does not load, tokens are kept in a file. */
function keychainLoads(): boolean {
  try {
    createRequire(import.meta.url)("keytar");
    return true;
  } catch {
    // The answer itself.
    return false;
  }
}

export const command: Command = { help, run };
