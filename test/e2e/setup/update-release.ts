// Two versions of the extension that know a release key of the tests: one to start with, and the release that a gateway offers.

import { createHash, generateKeyPairSync } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeVsix } from "../../../packaging/vsix/vsix.ts";
import { formatManifest } from "../../../protocol/release/manifest.ts";
import { releaseKeyOf, signManifest } from "../../../protocol/release/signature.ts";
import { buildAll } from "../../../scripts/build.ts";
import { ROOT } from "../../../scripts/repository.ts";

export interface UpdateRelease {
  /** The VSIX of the version that runs first. */
  readonly vsix: string;
  /** A release directory. */
  readonly release: string;
}

export const [OLD_VERSION, NEW_VERSION] = ["9.8.6", "9.8.7"];

export async function makeUpdateRelease(directory: string): Promise<UpdateRelease> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const keys = releaseKeyOf(privateKey);
  const own = join(directory, "update");
  const release = join(own, "release");
  mkdirSync(release, { recursive: true });
  const make = async (version: string, path: string) => {
    const built = join(own, version);
    await buildAll(undefined, ["--out", built, "--version", version, "--release-keys", keys]);
    await writeVsix(path, built, version);
  };
  const vsix = join(own, "old.vsix");
  await make(OLD_VERSION, vsix);
  await make(NEW_VERSION, join(release, `sallyport-${NEW_VERSION}.vsix`));
  copyFileSync(join(ROOT, "CHANGELOG.md"), join(release, "CHANGELOG.md"));
  const files = readdirSync(release).map((name) => {
    const bytes = readFileSync(join(release, name));
    return { name, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const manifest = Buffer.from(formatManifest({ version: NEW_VERSION, files }));
  writeFileSync(join(release, "manifest.json"), manifest);
  writeFileSync(join(release, "manifest.json.sig"), signManifest(manifest, privateKey));
  return { vsix, release };
}
