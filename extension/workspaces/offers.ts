// Workspaces that other accounts share with this one: the person accepts or declines an offer, and leaves a workspace
// again.

import { l10n, window } from "vscode";
import { gatewayLabel, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import { targetOf } from "../connect/choose-target.ts";
import { showRevoked } from "../revoked-notice.ts";
import type { Services } from "../services.ts";
import { askAboutOffer } from "./accept-offer.ts";

/** Asks about an offer in the tree: accept it, decline it, or leave it for later. */
export async function answerOffer(services: Services, node: TreeNode | undefined): Promise<void> {
  const gateway = node === undefined ? undefined : services.gateways.get(node.gateway);
  const offer = node?.kind === "offer" ? gateway?.offers.get(node.id) : undefined;
  if (gateway === undefined || offer === undefined) return;
  const accept = l10n.t("Accept");
  const decline = l10n.t("Decline");
  const answer = await askAboutOffer(gateway, offer, accept, decline);
  const id = parseWorkspaceId(offer.id);
  if (answer === accept) await (await gateway.api()).acceptShare(id);
  if (answer === decline) showRevoked(undefined, await (await gateway.api()).leaveShare(id));
}

export async function leave(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Leave Shared Workspace"), ({ mine }) => !mine);
  if (target === undefined || target.workspace.mine) return;
  const { gateway, workspace } = target;
  const accept = l10n.t("Leave Workspace");
  const answer = await window.showWarningMessage(
    l10n.t("Leave {0} at {1}?", workspaceLabel(workspace), gatewayLabel(gateway.gateway)),
    {
      modal: true,
      detail: l10n.t("Your open connections to it will end. {0} can offer it to you again.", workspace.owner),
    },
    accept,
  );
  if (answer !== accept) return;
  showRevoked(undefined, await (await gateway.api()).leaveShare(parseWorkspaceId(workspace.id)));
}
