// Upgrades on file systems that do not take them. Mounting needs root, and a mount namespace that keeps it from everyone else.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/repository.ts";
import { fakeRelease, installedFile, signer, temporaryDirectory } from "../../support/fake-release.ts";

const ours = signer();
const MAY_MOUNT =
  process.platform === "linux" &&
  spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;

test.skipIf(!MAY_MOUNT).each([
  ["that is full", "ENOSPC", "size=256k,mode=755", "true"],
  ["from which nothing can be run", "noexec", "size=8m,mode=755,noexec", "true"],
  ["that is read-only", "EROFS", "size=8m,mode=755", 'mount -o remount,ro "$1"'],
])("a file system %s: a clear code, and nothing is left behind", async (_, code, options, then) => {
  const release = await fakeRelease("1.1.0", ours, `# ${"x".repeat(1_000_000)}`);
  const { path } = installedFile("1.0.0");
  const place = join(temporaryDirectory(), "place");
  mkdirSync(place);
  const script = `mount -t tmpfs -o "$2" none "$1" && cp -p "$3" "$1/sallyport" && ${then} && shift 3 && "$@"; echo; ls -A "${place}"`;
  const installation = JSON.stringify({ kind: "file", path: join(place, "sallyport") });
  const program = join(ROOT, "test", "integration", "upgrade", "one-upgrade.ts");
  const upgrade = [process.execPath, program, installation, release, ours.keys[0] ?? "", "0"];
  const args = ["--mount", "sh", "-c", script, "sh", place, options, path, ...upgrade];
  expect(execFileSync("unshare", args, { encoding: "utf8" })).toBe(`${code}\nsallyport\n`);
});
