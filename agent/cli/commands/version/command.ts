// `sallyport version`: prints the version, the platform, and whether the native parts load.

import { createRequire } from "node:module";
import { release } from "node:os";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { nativeCrypto, nativeParts, nativePty } from "../../../platform/native-parts.ts";
import { json } from "../../../platform/output.ts";
import { definition } from "./definition.ts";

function run({ options }: Input<typeof definition>, context: CommandContext): number {
  const facts = {
    version: VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    system: release(),
  };
  const native = options.verbose
    ? { sshCiphers: nativeCrypto(), terminals: nativePty(), keychain: keychainLoads() }
    : undefined;
  if (options.json) {
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

/** The keychain's addon needs libsecret on Linux. Where it does not load, tokens are kept in a file. */
function keychainLoads(): boolean {
  try {
    createRequire(import.meta.url)("keytar");
    return true;
  } catch {
    // The answer itself.
    return false;
  }
}

export const command = executable(definition, run);
