// One run of `npm run release`: what is made, where, and with which key. Every step gets it.

import type { KeyObject } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { isVersion, PLATFORMS, type Platform } from "../../protocol/release/manifest.ts";
import { ROOT } from "../../scripts/repository.ts";
import { PartCache } from "../executable/parts/part-cache.ts";
import { runTool } from "../executable/parts/run-tool.ts";
import { releaseKey } from "./key.ts";

export interface Release {
  readonly version: string;
  /** Absolute; gets the files that people download. Everything in it is named by the manifest. */
  readonly directory: string;
  readonly platforms: readonly Platform[];
  /** Only programs and archives: no packages, images and the rest. */
  readonly programsOnly: boolean;
  /** For tests: archives are made quickly rather than small. */
  readonly draft: boolean;
  readonly cache: PartCache;
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** The time that files in archives have, in seconds since 1970: that of the commit, so that the same sources give the same bytes. */
  readonly time: number;
  /** Where `programs.ts` leaves `<platform>/`, unpacked: the program and all that comes with it. Gone after the run. */
  readonly work: string;
  /** One line for the person, on stderr. */
  say(line: string): void;
  close(): Promise<void>;
}

/** @throws Error: an argument is wrong, or the directory has other files */
export async function openRelease(args: readonly string[]): Promise<Release> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      out: { type: "string", default: join(ROOT, "release") },
      key: { type: "string" },
      version: { type: "string" },
      "programs-only": { type: "boolean", default: false },
      draft: { type: "boolean", default: false },
    },
  });
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const manifest: { version: string } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  // Tests of upgrades need two releases.
  const version = values.version ?? manifest.version;
  if (!isVersion(version)) throw new Error(`releases cannot have the version "${version}"`);
  const platforms = parsePlatforms(values.only);
  const directory = resolve(values.out);
  await emptyDirectory(directory);
  const key = await releaseKey(values.key, say);
  const kept = join(ROOT, "node_modules", ".cache", "sallyport-release");
  await mkdir(kept, { recursive: true });
  const work = await mkdtemp(join(kept, "work-"));
  return {
    version,
    directory,
    platforms,
    programsOnly: values["programs-only"],
    draft: values.draft,
    cache: new PartCache(),
    key,
    time: await commitTime(),
    work,
    say,
    close: () => rm(work, { recursive: true, force: true }),
  };
}

function parsePlatforms(only: string | undefined): readonly Platform[] {
  if (only === undefined) return PLATFORMS;
  return only.split(",").map((name) => {
    const platform = PLATFORMS.find((one) => one === name);
    if (platform === undefined) throw new Error(`--only has "${name}"; there are ${PLATFORMS.join(", ")}`);
    return platform;
  });
}

const OF_A_RELEASE = /^(sallyport|manifest\.json(\.sig)?$|SHA256SUMS$|CHANGELOG\.md$)/;

/** Takes an earlier release away, so that no file of it gets into this one. */
async function emptyDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const files = await readdir(directory, { withFileTypes: true });
  const isRelease = files.every((file) => file.isFile() && OF_A_RELEASE.test(file.name));
  if (!isRelease) {
    throw new Error(
      `${directory} has files that are not of a release: empty it, or name another directory with --out`,
    );
  }
  for (const { name } of files) await rm(join(directory, name));
}

/** SOURCE_DATE_EPOCH comes first (reproducible-builds.org). Sources without a history get the time of the first release. */
async function commitTime(): Promise<number> {
  const given = Number(process.env.SOURCE_DATE_EPOCH);
  if (Number.isSafeInteger(given) && given > 0) return given;
  try {
    return Number((await runTool("git", ["log", "-1", "--format=%ct"], { cwd: ROOT })).trim());
  } catch {
    return Date.UTC(2026, 0, 1) / 1000; // An archive of the sources, without git.
  }
}
