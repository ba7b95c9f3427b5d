// A window on a workspace: before Remote-SSH connects, its SSH configuration is brought up to date with the network; after,
// the status bar shows how the connection is, and a connection that does not come about is explained.

import { commands, workspace as editorWorkspace, l10n, Uri, window } from "vscode";
import { aliasOfAuthority } from "../../agent/client/connect/hand-off-target.ts";
import { titleOf } from "../../agent/client/diagnose/report.ts";
import { applyConfig, type Managed, readManaged } from "../../agent/client/ssh-config/apply.ts";
import { desiredConfig } from "../../agent/client/ssh-config/desired.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { withOwnerTokens } from "../../agent/client/ssh-config/owner-token.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { listingOf } from "../connect/config-step.ts";
import { findTransport } from "../connect/transport-step.ts";
import { describe } from "../failure-message.ts";
import type { Services } from "../services.ts";
import { ensureLauncher } from "../ssh-config/launcher.ts";
import { managedPaths, managedSections, sectionTransport, sshFor } from "../ssh-config/managed-config.ts";
import { startConnectionStatus } from "./connection-status.ts";

/** Remote-SSH waits for as long: a gateway that does not answer must not hold it up for longer. */
const WAIT_MS = 5_000;
/** What is found out after that serves the next attempt; this late it is given up. */
const REFRESH_TIMEOUT_MS = 60_000;
/** From then on a connection counts as failed. Remote-SSH installs a server in this time, the first time. */
const CONNECT_TIMEOUT_MS = 120_000;

/** Does nothing in windows on other machines. Never throws: Remote-SSH goes on with what there is. */
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
  services.context.subscriptions.push(startConnectionStatus(services, section));
  // A password is asked for there: how long a person takes to paste it is theirs.
  if (sectionTransport(section) !== "owner-token") void explainFailure(services, section, folder);
}

/** The Host block of this window's workspace; undefined: it is not one of ours. */
export function ownSection(): Section | undefined {
  const uri = editorWorkspace.workspaceFile ?? editorWorkspace.workspaceFolders?.[0]?.uri;
  const alias = uri?.scheme === "vscode-remote" ? aliasOfAuthority(uri.authority) : undefined;
  const sections = managedSections().filter(({ kind }) => kind === "workspace");
  return alias === undefined ? undefined : sections.find((section) => section.alias === alias);
}

/** Probes the network, and changes the way where another one is open now. Returns whether it did. */
export async function refreshTransport(
  services: Services,
  section: Section,
  signal: AbortSignal,
): Promise<boolean> {
  await services.gateways.list();
  const gateway = services.gateways.get(section.gateway);
  if (gateway === undefined || sectionTransport(section) === "owner-token") return false;
  // A workspace without an account is in no list, and has one way only.
  if (!(await gateway.list(signal)).some(({ id }) => id === section.id)) return false;
  // Right after a connect the answer is a few seconds old and good; before a reconnect it is what is in question.
  const found = await findTransport(gateway, signal, !isRecent(services, section));
  // While the network was asked, somebody may have changed it already, or taken it out.
  const current = managedSections().find(({ alias }) => alias === section.alias);
  if (current === undefined || found.transport === current.transport) return false;
  await rewrite(services, gateway, found, signal);
  services.log.info(`${section.alias}: ${found.transport} from now on (${found.because}).`);
  return true;
}

function isRecent({ history }: Services, { gateway, id }: Section): boolean {
  const used = history.lastUse.get(`${gateway} ${id}`);
  return used !== undefined && Date.now() - used < 60_000;
}

async function rewrite(
  services: Services,
  gateway: Gateway,
  found: Awaited<ReturnType<typeof findTransport>>,
  signal: AbortSignal,
): Promise<void> {
  const paths = managedPaths();
  const [launcher, listing] = [await ensureLauncher(services), await listingOf(gateway, found)];
  const place = { knownHosts: paths.knownHosts, platform: process.platform };
  const wanted = (now: Managed) => {
    const desired = desiredConfig(now, [listing], { place, launcher, transport: found.transport });
    return withOwnerTokens(desired, now, [listing], undefined, place);
  };
  const planned = wanted(readManaged(paths));
  // Nobody is here to be asked about another host key: the old one stays pinned, and ssh refuses.
  if (planned.changedKeys.length > 0) return;
  signal.throwIfAborted();
  await applyConfig({
    paths,
    change: (now) => wanted(now).managed,
    include: undefined,
    expect: [],
    ssh: sshFor(paths),
  });
}

/** Waits for the other side; where it does not come, finds out at which stage it failed. */
async function explainFailure(services: Services, section: Section, folder: Uri | undefined): Promise<void> {
  const probe =
    folder ?? Uri.from({ scheme: "vscode-remote", authority: `ssh-remote+${section.alias}`, path: "/" });
  const reached = await Promise.race([
    Promise.resolve(editorWorkspace.fs.stat(probe)).then(
      () => true,
      // A folder that is not there is an answer from the other side.
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
    l10n.t("{0} cannot be reached. It fails at: {1}. {2}", workspace.name, titleOf(report.failed), advice),
    diagnose,
  );
  if (answer !== diagnose) return;
  await commands.executeCommand("sallyport.diagnose", {
    kind: "session",
    gateway: gateway.gateway,
    id: workspace.id,
  });
}
