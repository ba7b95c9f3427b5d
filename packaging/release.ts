// `npm run release`: makes everything that people install, in one directory (docs/releasing.md).
//   npm run release -- [--only PLATFORM,…] [--out DIR] [--key FILE] [--version X] [--programs-only] [--draft]

import { archivesStep } from "./release/archives.ts";
import { chartStep } from "./release/chart.ts";
import { extensionStep } from "./release/extension.ts";
import { imageStep } from "./release/image/image.ts";
import { npmStep } from "./release/npm/tarball.ts";
import { programsStep } from "./release/programs.ts";
import { openRelease } from "./release/release.ts";
import { signatureStep } from "./release/signature.ts";
import { systemPackagesStep } from "./release/system/packages.ts";

const release = await openRelease(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`npm run release: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
try {
  await programsStep(release);
  await archivesStep(release);
  if (!release.programsOnly) {
    await extensionStep(release);
    await chartStep(release);
    await npmStep(release);
    await systemPackagesStep(release);
    await imageStep(release);
  }
  // Names all files that are there, so it comes last.
  await signatureStep(release);
} catch (error) {
  release.say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await release.close();
}
