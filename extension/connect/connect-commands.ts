// The commands that connect. Each chooses a workspace and what to do once it is in the SSH config.

import { l10n, window } from "vscode";
import { remoteFolder } from "../../agent/client/connect/hand-off-target.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Services } from "../services.ts";
import { targetOf } from "./choose-target.ts";
import { connectTo, type Purpose } from "./connect.ts";
import type { ConnectTarget } from "./target.ts";

export async function connect(
  services: Services,
  node: TreeNode | undefined,
  purpose: Purpose,
): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Connect to Workspace"));
  if (target !== undefined) await connectTo(services, target, { purpose });
}

/** Asks for the folder first: a recent one, the workspace's own, none, or any other. */
export async function connectFolder(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Connect and Choose Folder"));
  if (target === undefined) return;
  const folder = await askFolder(services, target);
  if (folder !== undefined) await connectTo(services, target, { purpose: "here", folder });
}

/** Returns an empty text for no folder, or undefined when the person gave up. */
async function askFolder(services: Services, target: ConnectTarget): Promise<string | undefined> {
  const recent = services.history.folders(target.gateway.gateway, target.workspace.id);
  const none = { label: l10n.t("No folder"), folder: "" };
  const other = { label: l10n.t("Another folder…"), folder: undefined };
  const own = remoteFolder(target.workspace.folder ?? "");
  const answer = await window.showQuickPick(
    [
      ...recent.map((folder) => ({ label: folder, folder })),
      ...(own === undefined || recent.includes(own)
        ? []
        : [{ label: own, description: l10n.t("the workspace's own"), folder: own }]),
      none,
      other,
    ],
    { title: l10n.t("Open which folder on {0}?", target.workspace.name) },
  );
  if (answer === undefined || answer.folder !== undefined) return answer?.folder;
  const text = await window.showInputBox({
    title: l10n.t("Folder on {0}", target.workspace.name),
    placeHolder: "/home/me/project",
    ignoreFocusOut: true,
    validateInput: (value) =>
      remoteFolder(value) === undefined ? l10n.t("Enter an absolute path.") : undefined,
  });
  return text === undefined ? undefined : remoteFolder(text);
}

/** Undoes "Don't ask again for this gateway". */
export async function askAboutKeys(services: Services, node: TreeNode | undefined): Promise<void> {
  const gateways = await services.gateways.list();
  const meant = node === undefined ? gateways : gateways.filter(({ gateway }) => gateway === node.gateway);
  for (const { gateway } of meant) await services.history.setUsesOwnerToken(gateway, false);
  const names = meant.map(({ gateway }) => gatewayLabel(gateway)).join(", ");
  void window.showInformationMessage(
    l10n.t("Sallyport will ask again which key to use when none fits: {0}", names),
  );
}
