// The programs for arm64, with glibc and with musl, under qemu-user: that they start, and that their native parts load.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Platform } from "../../../protocol/release/manifest.ts";
import { findProgram } from "../../support/programs/find-program.ts";
import { isReleased, releaseFile } from "../support/release.ts";
import { rootDirectory, whyNoRoot } from "../support/roots.ts";

const EMULATOR = "qemu-aarch64-static";
/** Of Debian's cross-compiler's libraries. */
const GLIBC_ROOT = "/usr/aarch64-linux-gnu";

const noEmulator =
  findProgram(EMULATOR, []) === undefined ? `needs ${EMULATOR} (Debian: qemu-user-static)` : undefined;
const noLibraries = existsSync(join(GLIBC_ROOT, "lib/libstdc++.so.6"))
  ? undefined
  : "needs libraries for arm64 (Debian: libc6-arm64-cross, libstdc++6-arm64-cross, libgcc-s1-arm64-cross)";

describe.each<readonly [Platform, string | undefined, () => Promise<string>]>([
  ["linux-arm64", noLibraries, async () => GLIBC_ROOT],
  ["linux-musl-arm64", whyNoRoot("alpine-arm64"), () => rootDirectory("alpine-arm64")],
])("the program for %s", (platform, noRoot, root) => {
  const reason = isReleased(platform) ? (noEmulator ?? noRoot) : "the release has none";
  if (reason !== undefined) console.warn(`skipped: ${platform}: ${reason}`);

  test.skipIf(reason !== undefined)("starts, with native ciphers and terminals", async () => {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-arm64-"));
    try {
      execFileSync("tar", ["-xzf", releaseFile(`sallyport-${platform}.tar.gz`), "-C", directory]);
      const command = [join(directory, "sallyport"), "version", "--verbose", "--json"];
      const { stdout } = await promisify(execFile)(EMULATOR, ["-L", await root(), ...command], {
        env: { HOME: directory, PATH: process.env.PATH, SALLYPORT_KEYCHAIN: "off" },
      });
      expect(JSON.parse(stdout)).toMatchObject({
        platform: "linux-arm64",
        native: { sshCiphers: true, terminals: true },
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
