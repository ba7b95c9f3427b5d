// Takes a program from a release whose manifest is signed, tries it, and puts it in the place of this one. What is killed in the
// middle leaves a working program, and a work directory that the next upgrade removes.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Platform, ReleaseFile, ReleaseManifest } from "../../../protocol/release/manifest.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { Installation } from "../../platform/installation/installation.ts";
import { checkDirectory, checkProgram } from "./place.ts";
import { fetchFile, type ReleaseSource } from "./release-source.ts";
import { formerOf, linkOrCopy, replaceFile, replaceLink } from "./replace.ts";
import { expectVersion, versionOf } from "./run-test.ts";
import { unpack } from "./unpack.ts";
import { withUpgradeLock } from "./upgrade-lock.ts";
import { writing } from "./writing.ts";

/** What `sallyport upgrade` replaces by itself. */
export type OwnInstallation = Extract<Installation, { readonly kind: "script" | "file" }>;

export interface UpgradeContext {
  readonly signal: AbortSignal;
  /** Called with how much of a download is there. */
  readonly progress?: (file: ReleaseFile, bytes: number) => void;
}

/** A release that is offered: its manifest is verified. */
export interface Offer {
  readonly manifest: ReleaseManifest;
  readonly source: ReleaseSource;
}

/**
 * Installs the release's program for this platform, and keeps the one before.
 * @throws CommandError; nothing has changed then
 */
export async function installOffer(
  installation: OwnInstallation,
  platform: Platform,
  { manifest, source }: Offer,
  context: UpgradeContext,
): Promise<void> {
  const { version } = manifest;
  const { signal, progress } = context;
  const fetchProgram = async (name: string, path: string): Promise<void> => {
    const file = manifest.files.find((one) => one.name === name);
    if (file === undefined) {
      throw new CommandError(
        "config",
        "no_build",
        `The release ${version} of ${source.name} has no ${name}, which this machine needs: ask its administrator for it.`,
      );
    }
    await fetchFile(source, file, path, signal, (bytes) => progress?.(file, bytes));
  };
  await exclusively(installation, async (work) => {
    const name = basename(installation.path);
    if (installation.kind === "file") {
      const newer = join(work, name);
      await fetchProgram(`sallyport-${platform}${platform === "win-x64" ? ".exe" : ""}`, newer);
      const { mode } = statSync(installation.path);
      writing(newer, () => chmodSync(newer, (mode & 0o777) | 0o100));
      await expectVersion(newer, version, signal);
      writing(installation.path, () => replaceFile(installation.path, newer, work));
      return;
    }
    const directory = versionDirectory(installation, version, platform);
    if (!(await isWhole(join(directory, name), version, signal))) {
      const archive = join(work, "archive");
      await fetchProgram(`sallyport-${platform}.tar.gz`, archive);
      const unpacked = join(work, "unpacked");
      writing(unpacked, () => {
        mkdirSync(unpacked);
        chmodSync(unpacked, 0o755);
      });
      await unpack(archive, unpacked, signal);
      await expectVersion(join(unpacked, name), version, signal);
      writing(directory, () => {
        // What is there does not run.
        if (existsSync(directory)) renameSync(directory, join(work, "broken"));
        renameSync(unpacked, directory);
      });
    }
    switchTo(installation, directory, work);
  });
}

/**
 * Goes over to a version that is unpacked beside this one already.
 * @returns false: there is none, or it does not run
 */
export async function switchToUnpacked(
  installation: OwnInstallation,
  platform: Platform | undefined,
  version: string,
  { signal }: UpgradeContext,
): Promise<boolean> {
  if (installation.kind !== "script" || platform === undefined) return false;
  const program = join(versionDirectory(installation, version, platform), basename(installation.path));
  if (!existsSync(program)) return false;
  return await exclusively(installation, async (work) => {
    if (!(await isWhole(program, version, signal))) return false;
    switchTo(installation, dirname(program), work);
    return true;
  });
}

/**
 * Puts the version before in the place of this one, and keeps this one for the way forward again.
 * @returns the version that is installed now
 * @throws CommandError code `no_former_version`
 */
export async function goBack(installation: OwnInstallation, { signal }: UpgradeContext): Promise<string> {
  return await exclusively(installation, async (work) => {
    const replaced = replacedBy(installation);
    const former = formerOf(replaced);
    if (!isFormer(replaced, former)) {
      throw new CommandError(
        "config",
        "no_former_version",
        `There is no version before this one beside ${replaced}: name one, as in \`sallyport upgrade 1.2.3\`.`,
      );
    }
    checkProgram(former);
    const target = realpathSync(former);
    const name = basename(installation.path);
    const version = await versionOf(statSync(target).isDirectory() ? join(target, name) : target, signal);
    if (installation.kind === "file") {
      const newer = join(work, name);
      writing(newer, () => linkOrCopy(former, newer));
      writing(replaced, () => replaceFile(replaced, newer, work));
    } else writing(replaced, () => replaceLink(replaced, target, work));
    return version;
  });
}

/** What people start. */
export function startedAs(installation: OwnInstallation): string {
  const replaced = replacedBy(installation);
  return statSync(replaced).isDirectory() ? join(replaced, basename(installation.path)) : replaced;
}

/** The file or link in whose place the other version comes. */
function replacedBy(installation: OwnInstallation): string {
  return installation.kind === "script" ? installation.link : installation.path;
}

function switchTo(
  { link, path }: OwnInstallation & { kind: "script" },
  directory: string,
  work: string,
): void {
  const target = statSync(link).isDirectory() ? directory : join(directory, basename(path));
  writing(link, () => replaceLink(link, target, work));
}

/** Runs `work` with an empty directory beside the program, which is removed afterwards. */
async function exclusively<T>(installation: OwnInstallation, run: (work: string) => Promise<T>): Promise<T> {
  const replaced = replacedBy(installation);
  checkProgram(replaced);
  if (installation.kind === "script") checkDirectory(join(installation.place, "versions"));
  const prefix = join(dirname(replaced), ".sallyport-upgrade");
  return await withUpgradeLock(`${prefix}.lock`, async () => {
    // Each has a directory of its own: whose lock was taken over as that of a dead one must not find another one's files in it.
    let work: string | undefined;
    try {
      work = writing(prefix, () => {
        sweep(`${prefix}-`);
        return mkdtempSync(`${prefix}-`);
      });
      return await run(work);
    } finally {
      if (work !== undefined) rmSync(work, { recursive: true, force: true });
    }
  });
}

/** Removes what upgrades that were killed have left. */
function sweep(prefix: string): void {
  const directory = dirname(prefix);
  for (const name of readdirSync(directory)) {
    if (name.startsWith(basename(prefix))) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

async function isWhole(program: string, version: string, signal: AbortSignal): Promise<boolean> {
  if (!existsSync(program)) return false;
  try {
    await expectVersion(program, version, signal);
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    // It is replaced.
    return false;
  }
}

/** False: there is none, or it is the same as this one, because an upgrade was ended between its two last steps. */
function isFormer(program: string, former: string): boolean {
  if (lstatSync(former, { throwIfNoEntry: false }) === undefined || !existsSync(former)) return false;
  return statSync(realpathSync(former)).ino !== statSync(realpathSync(program)).ino;
}

function versionDirectory(
  { place }: { readonly place: string },
  version: string,
  platform: Platform,
): string {
  return join(place, "versions", `${version}-${platform}`);
}
