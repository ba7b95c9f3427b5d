// The editor's extension, with the release's version and its key, and what is new: the extension shows that when it offers this
// release.

import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { releaseKeyOf } from "../../protocol/release/signature.ts";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/repository.ts";
import { writeVsix } from "../vsix/vsix.ts";
import type { Release } from "./release.ts";

/** @throws Error: a part is missing */
export async function extensionStep({ version, directory, work, key, say }: Release): Promise<void> {
  const built = join(work, "extension");
  const keys = releaseKeyOf(key);
  await buildAll(undefined, ["--out", built, "--version", version, "--release-keys", keys]);
  const bytes = await writeVsix(join(directory, `sallyport-${version}.vsix`), built, version);
  await copyFile(join(ROOT, "CHANGELOG.md"), join(directory, "CHANGELOG.md"));
  say(`sallyport-${version}.vsix: ${(bytes / 1e6).toFixed(1)} MB`);
}
