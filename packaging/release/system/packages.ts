// A step of a release: the .deb, .rpm and .apk of every platform that the release is for.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../executable/parts/run-tool.ts";
import type { Release } from "../release.ts";
import { writeDocuments } from "./documents.ts";
import { packageFile, SYSTEM_PACKAGES } from "./formats.ts";
import { nfpm } from "./nfpm.ts";
import { recipe } from "./recipe.ts";

/** @throws Error with what a tool says */
export async function systemPackagesStep(release: Release): Promise<void> {
  const date = new Date(release.time * 1000);
  for (const wanted of SYSTEM_PACKAGES) {
    if (!release.platforms.includes(wanted.platform)) continue;
    const name = packageFile(wanted, release.version);
    const program = join(release.work, wanted.platform);
    const documents = join(release.work, `${name}-documents`);
    const input = { version: release.version, date, program, documents, draft: release.draft };
    await writeDocuments(input);
    const config = join(release.work, `${name}.json`);
    await writeFile(config, await recipe(wanted, input));
    const target = join(release.directory, name);
    await runTool(await nfpm(release.cache), ["package", "-f", config, "-p", wanted.format, "-t", target]);
    await rm(documents, { recursive: true });
  }
}
