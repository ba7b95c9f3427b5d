// The last step, the hand-off: the alias goes to the Remote-SSH extension that this editor has, to a terminal, or to
// the clipboard.
//
// This is where the extension's part ends. Remote-SSH (or the terminal) starts the system's ssh with the alias. From
// here the bytes go through that ssh process: with the transport `direct` to the gateway's SSH port, with `tunnel`
// through the ProxyCommand in the managed config, a companion process of its own that starts in agent/client/tunnel/.

import { commands, env, extensions, l10n, ProgressLocation, Uri, window } from "vscode";
import {
  folderToOpen,
  REMOTE_SSH_FLAVOURS,
  remoteAuthority,
  suitableFlavour,
} from "../../agent/client/connect/hand-off-target.ts";
import { quoteCommand } from "../../agent/client/ssh-command/quote.ts";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { Workspace } from "../../protocol/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { offerRemotePlatform } from "../remote-window/remote-platform.ts";
import type { Services } from "../services.ts";
import { defaultFolder } from "../settings.ts";
import { sshWords } from "../ssh-config/managed-config.ts";
import type { WrittenConfig } from "./config-step.ts";
import type { ConnectTarget } from "./target.ts";

/**
 * Returns the id of the installed Remote-SSH extension. Offers to install one; undefined when there is none afterwards.
 */
export async function remoteSsh(): Promise<string | undefined> {
  const find = () => REMOTE_SSH_FLAVOURS.find((id) => extensions.getExtension(id) !== undefined);
  const present = find();
  if (present !== undefined) return present;
  const suitable = suitableFlavour(env.appName);
  const install = l10n.t("Install");
  const show = l10n.t("Show");
  const answer = await window.showWarningMessage(
    l10n.t("Sallyport opens workspaces with the Remote-SSH extension, which is not installed."),
    { modal: true, detail: suitable },
    install,
    show,
  );
  if (answer === show) await commands.executeCommand("workbench.extensions.search", `@id:${suitable}`);
  if (answer !== install) return undefined;
  await window.withProgress(
    { location: ProgressLocation.Notification, title: l10n.t("Installing {0}", suitable) },
    async () => commands.executeCommand("workbench.extensions.installExtension", suitable),
  );
  return find() ?? suitable;
}

/** The part of a target that a hand-off needs, which an accountless workspace has too. */
interface HandOffTarget {
  readonly gateway: { readonly gateway: GatewayUrl };
  readonly workspace: Pick<Workspace, "id" | "folder">;
}

interface HandOffOptions {
  readonly newWindow: boolean;
  /** Empty: none. Undefined: the most recent one, else the workspace's own, else the person's default. */
  readonly folder: string | undefined;
}

export async function handOff(
  services: Services,
  { gateway, workspace }: HandOffTarget,
  { alias }: WrittenConfig,
  { newWindow, folder: wanted }: HandOffOptions,
): Promise<boolean> {
  await offerRemotePlatform(services, alias);
  const recent = services.history.folders(gateway.gateway, workspace.id)[0];
  const folder = folderToOpen(wanted, [recent, workspace.folder, defaultFolder()]);
  const authority = remoteAuthority(alias);
  services.log.info(`Handing ${authority}${folder ?? ""} to Remote-SSH.`);
  if (folder === undefined) {
    await commands.executeCommand("vscode.newWindow", {
      remoteAuthority: authority,
      reuseWindow: !newWindow,
    });
  } else {
    const uri = Uri.from({ scheme: "vscode-remote", authority, path: folder });
    await commands.executeCommand("vscode.openFolder", uri, {
      forceNewWindow: newWindow,
      forceReuseWindow: !newWindow,
    });
  }
  return true;
}

/** Opens the person's own ssh in a terminal of the editor. */
export function openTerminal({ workspace }: ConnectTarget, { alias }: WrittenConfig): boolean {
  const [shellPath = "ssh", ...shellArgs] = sshWords(alias);
  window.createTerminal({ name: workspaceLabel(workspace), shellPath, shellArgs }).show();
  return true;
}

export async function copyCommand({ workspace }: ConnectTarget, { alias }: WrittenConfig): Promise<boolean> {
  const command = quoteCommand(sshWords(alias), process.platform);
  await env.clipboard.writeText(command);
  void window.showInformationMessage(
    l10n.t(
      "Copied “{0}”. It opens {1} from any terminal on this machine.",
      command,
      workspaceLabel(workspace),
    ),
  );
  return true;
}
