// How a package for all systems has native parts: where `require` expects one, a script stands that loads the right one.
import type { Platform } from "../../../protocol/release/manifest.ts";

/** What one platform's archive has. */
interface NativeSource {
  readonly platform: Platform;
  /** In Node's words. */
  readonly system: string;
}

/**
 * In the order in which they are tried. A part for musl does not load on a system with glibc, but musl takes glibc's name
 * for its own, so a part for glibc may load there, and fail later.
 */
export const NATIVE_SOURCES: readonly NativeSource[] = [
  { platform: "linux-musl-x64", system: "linux-x64" },
  { platform: "linux-x64", system: "linux-x64" },
  { platform: "linux-musl-arm64", system: "linux-arm64" },
  { platform: "linux-arm64", system: "linux-arm64" },
  { platform: "darwin-x64", system: "darwin-x64" },
  { platform: "darwin-arm64", system: "darwin-arm64" },
];

/** Node looks for `pty.node`, and then for `pty.node.js`: with this name, a script stands for the part. */
export function choiceFile(part: string): string {
  return `${part}.js`;
}

/** The script. `parts`: of each system, paths from the script's directory, in the order in which they are tried. */
export function choiceScript(parts: ReadonlyMap<string, readonly string[]>): string {
  return `// Loads the part for this system. One that was made for another C library or another Node does not load.
"use strict";
const parts = ${JSON.stringify(Object.fromEntries(parts))};
const system = process.platform + "-" + process.arch;
let found, reason = new Error("There is no native part for " + system);
for (const part of parts[system] || []) {
  try {
    found = require(part);
    break;
  } catch (error) {
    reason = error;
  }
}
if (found === undefined) throw reason;
module.exports = found;
`;
}
