// Native parts of the program: what loads them, and which of them load. Under Node they come from npm packages; in the
// executable they are built in, and native-files.ts finds a place where the system loads them from.
// Without ssh2's part, ciphers are slower; without node-pty's, there are no terminals; without keytar's, no keychain.

import { createRequire } from "node:module";
import { executable } from "./executable.ts";
import { loadBuiltIn, nativeFile } from "./native-files.ts";

/** `sshcrypto` is ssh2's; the executable's copy of ssh2 gets it from here, too (packaging/executable/chunks.ts). */
type NativePart = "pty" | "sshcrypto" | "keytar";

/** @throws Error that says why it does not load */
export function loadNativePart(name: NativePart): unknown {
  if (executable() !== undefined) return loadBuiltIn(`${name}.node`);
  const require = createRequire(import.meta.url);
  switch (name) {
    case "pty":
      return ptyPackage(require)("pty.node");
    case "sshcrypto":
      return require("ssh2/lib/protocol/crypto/build/Release/sshcrypto.node");
    case "keytar":
      return require("keytar");
  }
}

/** Path of the program that opens a terminal's device on macOS. @throws Error if there is none */
export function spawnHelper(): string {
  if (executable() !== undefined) return nativeFile("spawn-helper");
  return ptyPackage(createRequire(import.meta.url)).resolve("spawn-helper");
}

/** Loads from the package of node-pty for this platform. */
function ptyPackage(
  require: NodeJS.Require,
): ((file: string) => unknown) & { resolve(file: string): string } {
  const inPackage = createRequire(require.resolve("@lydell/node-pty/package.json"));
  const name = (file: string) => `@lydell/node-pty-${process.platform}-${process.arch}/${file}`;
  const load = (file: string): unknown => inPackage(name(file));
  return Object.assign(load, { resolve: (file: string) => inPackage.resolve(name(file)) });
}

/** Whether ssh2 encrypts with its native binding; without it ciphers take two to three times as long. */
export function nativeCrypto(): boolean {
  return loads("sshcrypto");
}

/** Whether terminals can be opened. */
export function nativePty(): boolean {
  return loads("pty");
}

/** Whether the system's keychain can be asked. On Linux that needs libsecret. */
export function nativeKeychain(): boolean {
  return loads("keytar");
}

function loads(name: NativePart): boolean {
  try {
    loadNativePart(name);
    return true;
  } catch {
    // The answer itself: not built for this platform or this Node, or a library is missing.
    return false;
  }
}

/** A part of a line for `--verbose`. */
export function nativeParts(): string {
  const crypto = nativeCrypto() ? "native" : "JavaScript (slower: ssh2's native part does not load)";
  const pty = nativePty() ? "yes" : "no (node-pty's native part does not load)";
  return `SSH ciphers: ${crypto}; terminals: ${pty}`;
}
