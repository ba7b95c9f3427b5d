// `npm run release`: makes everything that people install, in one directory (docs/releasing.md).
//   npm run release -- [--only PLATFORM,…] [--out DIR] [--key FILE] [--version X] [--programs-only] [--draft]

import { archivesStep } from "./release/archives.ts";
import { chartStep } from "./release/chart.ts";
import { extensionStep } from "./release/extension.ts";
import { programsStep } from "./release/programs.ts";
import { openRelease } from "./release/release.ts";
import { signatureStep } from "./release/signature.ts";

const release = await openRelease(process.argv.slice(2));
try {
  await programsStep(release);
  await archivesStep(release);
  if (!release.programsOnly) {
    await extensionStep(release);
    await chartStep(release);
    // Packages and images: one step each.
  }
  // Names all files that are there, so it comes last.
  await signatureStep(release);
} catch (error) {
  release.say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await release.close();
}
