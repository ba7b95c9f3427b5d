// Offers a newer version of the extension that a gateway has, and installs it after a yes. What a gateway sends is believed
// only if it belongs to a release that is signed by a key in this build; builds from a clone have none, and do nothing.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands, l10n, ProgressLocation, Uri, window } from "vscode";
import {
  fetchFile,
  gatewaySource,
  type ReleaseSource,
  readRelease,
} from "../../agent/client/upgrade/release-source.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { compareVersions, type ReleaseFile } from "../../protocol/release/manifest.ts";
import { RELEASE_KEYS } from "../../protocol/release/signature.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { VERSION } from "../../protocol/version.ts";
import { describe, showFailure } from "../failure-message.ts";
import { editorNetwork } from "../network.ts";
import { showPage } from "../page.ts";
import type { Services } from "../services.ts";
import { offersUpdates } from "../settings.ts";

const DAY_MS = 24 * 60 * 60_000;
const CHECK_MS = 60_000;
const INSTALL_MS = 10 * 60_000;
const CHANGES_FILE = "CHANGELOG.md";

interface Update {
  readonly version: string;
  readonly gateway: GatewayUrl;
  readonly source: ReleaseSource;
  readonly extension: ReleaseFile;
  readonly changes: ReleaseFile | undefined;
}

/** This build: tests say which. */
export interface Build {
  readonly version: string;
  readonly keys: readonly string[];
}

export async function offerUpdate(
  services: Services,
  build: Build = { version: VERSION, keys: RELEASE_KEYS },
): Promise<void> {
  if (build.keys.length === 0 || !offersUpdates()) return;
  const update = await newest(services, build);
  if (update === undefined || services.history.hasDeclinedUpdate(update.version)) return;
  const { version } = update;
  const install = l10n.t("Install");
  const notNow = l10n.t("Not Now");
  const whatIsNew = l10n.t("What's New?");
  const more = update.changes === undefined ? [] : [whatIsNew];
  const question = l10n.t("Sallyport {0} is available from {1}.", version, gatewayLabel(update.gateway));
  let answer = await window.showInformationMessage(question, install, notNow, ...more);
  if (answer === whatIsNew && update.changes !== undefined) {
    await showChanges(services, update, update.changes);
    answer = await window.showInformationMessage(question, install, notNow);
  }
  if (answer === notNow) await services.history.setDeclinedUpdate(version);
  if (answer !== install) return;
  try {
    await installUpdate(update);
  } catch (error) {
    await showFailure(services, l10n.t("Installing Sallyport {0}", version), error);
    return;
  }
  await services.history.setInstalledUpdate(version);
  const reload = l10n.t("Reload Window");
  const done = await window.showInformationMessage(
    l10n.t("Sallyport {0} is installed. Reload the window to use it.", version),
    reload,
  );
  if (done === reload) await commands.executeCommand("workbench.action.reloadWindow");
}

/** Of all gateways that are due; undefined: none has a version that is newer than this one and than one installed since. */
async function newest(services: Services, build: Build): Promise<Update | undefined> {
  const { history, log } = services;
  const installed = history.installedUpdate;
  const isNewer = (version: string) =>
    compareVersions(version, build.version) > 0 &&
    (installed === undefined || compareVersions(version, installed) > 0);
  let found: Update | undefined;
  for (const { gateway } of await services.gateways.list()) {
    if (!(await history.isUpdateDue(gateway, DAY_MS))) continue;
    try {
      const update = await offered(gateway, build.keys);
      if (update === undefined || !isNewer(update.version)) continue;
      if (found === undefined || compareVersions(update.version, found.version) > 0) found = update;
    } catch (error) {
      // Most gateways offer no downloads. A release that is not genuine is not worth less than a line in the log either.
      log.info(`No update from ${gateway}: ${describe(error)}`);
    }
  }
  return found;
}

async function offered(gateway: GatewayUrl, keys: readonly string[]): Promise<Update | undefined> {
  const source = gatewaySource(gateway, editorNetwork());
  const { version, files } = await readRelease(source, keys, AbortSignal.timeout(CHECK_MS));
  const named = (name: string) => files.find((file) => file.name === name);
  const extension = named(`sallyport-${version}.vsix`);
  return extension && { version, gateway, source, extension, changes: named(CHANGES_FILE) };
}

async function showChanges(
  services: Services,
  { source, version }: Update,
  file: ReleaseFile,
): Promise<void> {
  try {
    await withFile(source, file, async (path) =>
      showPage(services, `Sallyport ${version}`, await readFile(path, "utf8")),
    );
  } catch (error) {
    await showFailure(services, l10n.t("Showing what is new"), error);
  }
}

async function installUpdate({ source, extension, version }: Update): Promise<void> {
  const title = l10n.t("Installing {0}", `Sallyport ${version}`);
  await window.withProgress({ location: ProgressLocation.Notification, title }, () =>
    withFile(source, extension, async (path) => {
      await commands.executeCommand("workbench.extensions.installExtension", Uri.file(path));
    }),
  );
}

/** Hands the verified file to `use`, and removes it afterwards. */
async function withFile(
  source: ReleaseSource,
  file: ReleaseFile,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sallyport-update-"));
  try {
    const path = join(directory, file.name);
    await fetchFile(source, file, path, AbortSignal.timeout(INSTALL_MS));
    await use(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
