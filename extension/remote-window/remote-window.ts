// A window on a workspace. Before Remote-SSH connects, its SSH configuration is updated for the current network.
// Afterwards the status bar shows the state of the connection, and a connection that fails is explained.

import { commands, workspace as editorWorkspace, l10n, Uri, window } from "vscode";
import { titleOf } from "../../agent/client/diagnose/report.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { describe } from "../failure-message.ts";
import type { Services } from "../services.ts";
import { sectionTransport } from "../ssh-config/managed-config.ts";
import { startConnectionStatus } from "./connection-status.ts";
import { ownSection } from "./own-section.ts";
import { refreshTransport } from "./refresh-transport.ts";

/** How long Remote-SSH is kept waiting for the update at most: a gateway that does not answer must not hold it up. */
const WAIT_MS = 5_000;
/** The update goes on after that, for the next attempt, and is given up after this time. */
const REFRESH_TIMEOUT_MS = 60_000;
/** The time for a later update, after the gateway's SSH port has opened or closed. */
const REPROBE_TIMEOUT_MS = 10_000;
/** A connection that takes longer counts as failed. The first time, Remote-SSH installs its server within it. */
const CONNECT_TIMEOUT_MS = 120_000;

/**
 * Does nothing in windows on other machines. Never throws: Remote-SSH then connects with the configuration as it is.
 */
export async function enterRemoteWindow(services: Services): Promise<void> {
  const section = ownSection();
  if (section === undefined) return;
  const folder = editorWorkspace.workspaceFolders?.[0]?.uri;
  if (folder?.scheme === "vscode-remote") {
    void services.history.openedFolder(section.gateway, section.id, folder.path);
  }
  const refreshed = refreshTransport(services, section, AbortSignal.timeout(REFRESH_TIMEOUT_MS)).catch(
    (error: unknown) => services.log.warn(`The SSH configuration was not refreshed: ${describe(error)}`),
  );
  await Promise.race([
    refreshed,
    new Promise((resolve) => {
      setTimeout(resolve, WAIT_MS).unref();
    }),
  ]);
  await services.gateways.followAll();
  services.context.subscriptions.push(
    startConnectionStatus(services, section, async (current) => {
      // For the next attempt of Remote-SSH.
      await refreshTransport(services, current, AbortSignal.timeout(REPROBE_TIMEOUT_MS));
    }),
  );
  // With an owner token ssh asks for a password, and a person may take any time to paste it.
  if (sectionTransport(section) !== "owner-token") void explainFailure(services, section, folder);
}

/** Waits for the connection. If it fails, runs the diagnosis and shows the stage at which it failed. */
async function explainFailure(services: Services, section: Section, folder: Uri | undefined): Promise<void> {
  const probe =
    folder ?? Uri.from({ scheme: "vscode-remote", authority: `ssh-remote+${section.alias}`, path: "/" });
  const reached = await Promise.race([
    Promise.resolve(editorWorkspace.fs.stat(probe)).then(
      () => true,
      // "The folder does not exist" is an answer from the workspace.
      (error: unknown) => !/resolv|connect|authority|ENOPRO|Unavailable/i.test(String(error)),
    ),
    new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), CONNECT_TIMEOUT_MS).unref();
    }),
  ]);
  if (reached) return;
  const gateway = services.gateways.get(section.gateway);
  const workspace = gateway?.workspaces.get(section.id);
  if (gateway === undefined || workspace === undefined) return;
  const { runDiagnosis } = await import("../diagnosis/diagnose.ts");
  const report = await runDiagnosis(services, { gateway, workspace }, AbortSignal.timeout(60_000), () => {});
  if (report?.failed === undefined) return;
  const diagnose = l10n.t("Diagnose");
  const failed = report.stages.find(({ id }) => id === report.failed);
  const advice = failed !== undefined && "todo" in failed ? `${failed.means} ${failed.todo}` : "";
  const answer = await window.showErrorMessage(
    l10n.t(
      "{0} cannot be reached. The connection fails at: {1}. {2}",
      workspace.name,
      titleOf(report.failed),
      advice,
    ),
    diagnose,
  );
  if (answer !== diagnose) return;
  await commands.executeCommand("sallyport.diagnose", {
    kind: "workspace",
    gateway: gateway.gateway,
    id: workspace.id,
  });
}
