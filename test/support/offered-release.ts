// A small release directory: archives whose program is a shell script that says what it was started with.

import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  formatManifest,
  MANIFEST_FILE,
  PLATFORMS,
  type ReleaseManifest,
  SIGNATURE_FILE,
} from "../../protocol/release/manifest.ts";
import { signManifest } from "../../protocol/release/signature.ts";

/** Prints its version, and otherwise its arguments, its gateway and its stdin. */
const programOf = (version: string) => `#!/bin/sh
if [ "$1" = version ]; then echo ${version}; exit; fi
echo "args: $*"
echo "gateway: $SALLYPORT_GATEWAY"
printf 'stdin: '
cat
`;

const { privateKey } = generateKeyPairSync("ed25519");

/**
 * Writes one into the directory, or over the one that is there.
 * @param more further files by name
 * @param program a shell script
 */
export function writeRelease(
  directory: string,
  version: string,
  more: Readonly<Record<string, string | Buffer>> = {},
  program = programOf(version),
): ReleaseManifest {
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, ".making-"));
  writeFileSync(join(work, "sallyport"), program, { mode: 0o755 });
  const archive = execFileSync("tar", ["-czf", "-", "-C", work, "sallyport"]);
  rmSync(work, { recursive: true });
  const files: Record<string, string | Buffer> = {
    ...Object.fromEntries(PLATFORMS.map((platform) => [`sallyport-${platform}.tar.gz`, archive])),
    [`sallyport-${version}.vsix`]: `the extension ${version}`,
    ...more,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const manifest = {
    version,
    files: Object.keys(files).map((name) => ({
      name,
      size: statSync(join(directory, name)).size,
      sha256: createHash("sha256")
        .update(readFileSync(join(directory, name)))
        .digest("hex"),
    })),
  };
  const text = formatManifest(manifest);
  writeFileSync(join(directory, MANIFEST_FILE), text);
  writeFileSync(join(directory, SIGNATURE_FILE), signManifest(Buffer.from(text), privateKey));
  return manifest;
}
