// `sallyport version`: prints the version, the platform, and whether the native parts load.

import { release } from "node:os";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { nativeCrypto, nativeKeychain, nativeParts, nativePty } from "../../../platform/native-parts.ts";
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
    ? { sshCiphers: nativeCrypto(), terminals: nativePty(), keychain: nativeKeychain() }
    : undefined;
  if (options.json) {
    context.stdout.write(json({ ...facts, native }));
    return 0;
  }
  context.stdout.write(`sallyport ${VERSION} (Node ${facts.node}, ${facts.platform}, ${facts.system})\n`);
  if (native !== undefined) {
    const keychain = native.keychain
      ? "yes"
      : `no (keytar's native part does not load${process.platform === "linux" ? "; it needs libsecret" : ""})`;
    context.stdout.write(`${nativeParts()}; keychain: ${keychain}\n`);
  }
  return 0;
}

export const command = executable(definition, run);
