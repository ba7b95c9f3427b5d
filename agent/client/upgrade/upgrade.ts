// `sallyport upgrade`: decides from the running version, the offered one and the one that was asked for whether anything is
// installed, and by whom.

import { compareVersions, type Platform } from "../../../protocol/release/manifest.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { Installation } from "../../platform/installation/installation.ts";
import { installOffer, switchToUnpacked, type UpgradeContext } from "./install.ts";
import { type ReleaseSource, readRelease } from "./release-source.ts";
import { notByItself, upgradesItself } from "./who-upgrades.ts";

export interface UpgradeRequest extends UpgradeContext {
  readonly installation: Installation;
  /** The version that runs. */
  readonly running: string;
  /** undefined: releases have no program for this system. */
  readonly platform: Platform | undefined;
  /** Asked for only if a release is needed. */
  source(): ReleaseSource;
  /** The keys whose releases count, as in `RELEASE_KEYS`. */
  readonly keys: readonly string[];
  /** The only version that is wanted, older or newer; undefined: whatever is newer. */
  readonly version: string | undefined;
}

/** What `upgrade` did: the version that is installed now, and whether it was before. */
export interface UpgradeOutcome {
  readonly version: string;
  readonly changed: boolean;
}

/**
 * Installs the version that is offered, or says that it runs already.
 * @throws CommandError; nothing has changed then. Codes: `not_by_itself`, `older_offered`, `version_not_offered`, `no_build`,
 * and those of `readRelease` and `installOffer`
 */
export async function upgrade(request: UpgradeRequest): Promise<UpgradeOutcome> {
  const { installation, running, platform, version } = request;
  const own = upgradesItself(installation);
  // Packages have commands that name the newer release.
  const isPackage = installation.kind === "package" || installation.kind === "npm";
  if (!own && (!isPackage || request.keys.length === 0)) throw notByItself(installation);
  if (version === running) return { version, changed: false };
  if (own && version !== undefined && (await switchToUnpacked(installation, platform, version, request))) {
    return { version, changed: true };
  }
  const source = request.source();
  const manifest = await readRelease(source, request.keys, request.signal);
  const offered = manifest.version;
  if (version !== undefined && version !== offered) {
    throw new CommandError(
      "config",
      "version_not_offered",
      `${source.name} offers ${offered}, not ${version}.`,
    );
  }
  const order = compareVersions(offered, running);
  if (order === 0) return { version: offered, changed: false };
  if (order < 0 && version === undefined) {
    throw new CommandError(
      "config",
      "older_offered",
      `${source.name} offers ${offered}, which is older than this ${running}: to have it, run \`sallyport upgrade ${offered}\`.`,
    );
  }
  if (!own) throw notByItself(installation, { manifest, base: source.base });
  if (platform === undefined) {
    throw new CommandError("config", "no_build", "Releases have no program for this system.");
  }
  await installOffer(installation, platform, { manifest, source }, request);
  return { version: offered, changed: true };
}

export interface Check {
  readonly offered: string;
  readonly newer: boolean;
}

/** @throws CommandError as `readRelease` */
export async function checkForNewer(
  source: ReleaseSource,
  { keys, running, signal }: Pick<UpgradeRequest, "keys" | "running" | "signal">,
): Promise<Check> {
  const { version: offered } = await readRelease(source, keys, signal);
  return { offered, newer: compareVersions(offered, running) > 0 };
}
