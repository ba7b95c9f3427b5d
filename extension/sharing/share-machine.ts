// "Share This Machine…": starts a host in the background. It goes on after the window is closed, until the person stops
// it.

import { homedir, hostname } from "node:os";
import { commands, env, l10n, ProgressLocation, type QuickPickItem, window } from "vscode";
import {
  endSharing,
  runningHost,
  type SharedHost,
  startSharing,
} from "../../agent/client/sharing/shared-host.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { formatConnectUrl } from "../../protocol/connect-url.ts";
import { nearestName, parseName, parseWorkspaceRef } from "../../protocol/values/name.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { nameProblem } from "../name-problem.ts";
import type { Services } from "../services.ts";
import { companion } from "../ssh-config/launcher.ts";
import { shareLogFile, shareNoteFile } from "./shared-machine-files.ts";

export async function shareMachine(services: Services): Promise<void> {
  const running = await runningHost(shareNoteFile(services));
  if (running !== undefined) return await showSharing(services, running);
  const gateway = await chooseGateway(services);
  if (gateway === undefined) return;
  const text = await window.showInputBox({
    title: l10n.t("Share this machine at {0}", gatewayLabel(gateway.gateway)),
    prompt: l10n.t(
      "Its name as a workspace. Until you stop sharing, anyone with an SSH key of your account can log in as {0}.",
      homedir().split(/[\\/]/).at(-1) ?? "",
    ),
    value: nearestName(hostname(), "workspace"),
    ignoreFocusOut: true,
    validateInput: nameProblem,
  });
  if (text === undefined) return;
  const title = l10n.t("Sharing this machine as {0}", text);
  const host = await window.withProgress({ location: ProgressLocation.Notification, title }, async () => {
    await services.accounts.refreshCopy(gateway.account);
    const { execPath, cliPath } = companion(services);
    return await startSharing({
      gateway: gateway.gateway,
      name: parseName(text),
      allowPlainHttp: gateway.account.allowPlainHttp,
      execPath,
      cliPath,
      env: process.env,
      logFile: shareLogFile(services),
      noteFile: shareNoteFile(services),
    });
  });
  services.log.info(`Sharing this machine as ${host.name} at ${host.gateway} (process ${host.pid}).`);
  await tellSharing(host);
  await showSharing(services, host);
}

export async function stopSharing(services: Services): Promise<void> {
  const stopped = await endSharing(shareNoteFile(services));
  await tellSharing(undefined);
  void window.showInformationMessage(
    stopped ? l10n.t("This machine is no longer shared.") : l10n.t("This machine is not shared."),
  );
}

async function showSharing(services: Services, host: SharedHost): Promise<void> {
  const copy = l10n.t("Copy Link");
  const stop = l10n.t("Stop Sharing");
  const answer = await window.showInformationMessage(
    l10n.t("This machine is shared as {0} at {1}.", host.name, gatewayLabel(host.gateway)),
    copy,
    stop,
  );
  if (answer === stop) await stopSharing(services);
  if (answer !== copy) return;
  const link = host.link ?? {
    gateway: host.gateway,
    workspace: parseWorkspaceRef(host.name),
    hostKey: undefined,
  };
  await env.clipboard.writeText(formatConnectUrl(link, env.uriScheme));
}

async function tellSharing(host: SharedHost | undefined): Promise<void> {
  await commands.executeCommand("setContext", "sallyport.sharing", host !== undefined);
  await commands.executeCommand("sallyport.sharingChanged", host);
}

async function chooseGateway(services: Services): Promise<Gateway | undefined> {
  if ((await services.gateways.list()).length === 0) await commands.executeCommand("sallyport.signIn");
  const gateways = await services.gateways.list();
  if (gateways.length <= 1) return gateways[0];
  const items = gateways.map((gateway): QuickPickItem & { gateway: Gateway } => ({
    label: gatewayLabel(gateway.gateway),
    description: gateway.account.account,
    gateway,
  }));
  const picked = await window.showQuickPick(items, { title: l10n.t("Share this machine at which gateway?") });
  return picked?.gateway;
}
