// Which native parts can be loaded. Without ssh2's, ciphers are slower; without node-pty, there are no terminals.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Whether ssh2 encrypts with its native binding; without it ciphers take two to three times as long. */
export function nativeCrypto(): boolean {
  try {
    require("ssh2/lib/protocol/crypto/build/Release/sshcrypto.node");
    return true;
  } catch {
    // Not built for this Node, or no compiler was there when it was installed.
    return false;
  }
}

/** Whether terminals can be opened. */
export function nativePty(): boolean {
  try {
    require("@lydell/node-pty");
    return true;
  } catch {
    // No prebuilt part for this platform.
    return false;
  }
}

/** One line for `--verbose`. */
export function nativeParts(): string {
  const crypto = nativeCrypto()
    ? "native"
    : "JavaScript (slower: ssh2's native part is not built for this Node)";
  const pty = nativePty() ? "yes" : "no (@lydell/node-pty has no part for this platform)";
  return `Node ${process.version}, ${process.platform}-${process.arch}; SSH ciphers: ${crypto}; terminals: ${pty}`;
}
