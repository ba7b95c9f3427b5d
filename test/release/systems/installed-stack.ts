// A released program in another system's root directory: gateway, host and companion run there, and the machine's own ssh reaches
// them from outside, since the loopback is shared.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Platform } from "../../../protocol/release/manifest.ts";
import { type Stack, startStack } from "../../support/stack.ts";
import { Container } from "../support/container.ts";
import { isReleased, releaseFile } from "../support/release.ts";
import { type RootName, whyNoRoot } from "../support/roots.ts";

/** Where install.sh puts a version, and the link that people start. */
const VERSION_DIRECTORY = "/opt/sallyport/versions/1";
export const PROGRAM = "/opt/sallyport/sallyport";

export interface InstalledStack extends AsyncDisposable {
  readonly container: Container;
  readonly stack: Stack;
  /** Seen under the same path inside and outside. */
  readonly directory: string;
  readonly workspace: string;
}

/** Why the tests cannot run here; undefined: they can. */
export function whyNot(root: RootName, platform: Platform): string | undefined {
  if (!isReleased(platform)) return `the release has no ${platform}`;
  return whyNoRoot(root);
}

export async function startInstalledStack(
  root: RootName,
  platform: Platform,
  gatewayArgs: readonly string[] = [],
): Promise<InstalledStack> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-system-"));
  const unpacked = mkdtempSync(join(tmpdir(), "sallyport-program-"));
  execFileSync("tar", ["-xzf", releaseFile(`sallyport-${platform}.tar.gz`), "-C", unpacked]);
  // For users who are not root.
  chmodSync(unpacked, 0o755);
  const container = await Container.start(root, {
    mounts: [
      { at: VERSION_DIRECTORY, from: unpacked, options: "ro" },
      { at: directory, from: directory },
      // As a container engine does: a name for this machine itself.
      { at: "/etc/hosts", from: "/etc/hosts", options: "ro" },
    ],
  });
  const workspace = "elsewhere";
  const end = async (stack?: Stack) => {
    await stack?.stop();
    await container[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
    rmSync(unpacked, { recursive: true, force: true });
  };
  try {
    const linked = await container.run(["ln", "-s", "versions/1/sallyport", PROGRAM]);
    if (linked.code !== 0) throw new Error(linked.stderr);
    const stack = await startStack({
      directory,
      workspace,
      program: container.words([PROGRAM]),
      gatewayArgs: ["--http", "127.0.0.1:0", ...gatewayArgs],
    });
    return { container, stack, directory, workspace, [Symbol.asyncDispose]: () => end(stack) };
  } catch (error) {
    await end();
    throw error;
  }
}
