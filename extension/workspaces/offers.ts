// Workspaces of other accounts: nothing of theirs comes into this editor before the person has accepted it, and they leave it
// when they like.

import { l10n, window } from "vscode";
import { gatewayLabel, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { SharedWithMe, Workspace } from "../../protocol/api.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../protocol/values/name.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { targetOf } from "../connect/connect-commands.ts";
import type { Services } from "../services.ts";
import { showTakenBack } from "../taken-back.ts";

/** From the tree: yes, no, or later. */
export async function answerOffer(services: Services, node: TreeNode | undefined): Promise<void> {
  const gateway = node === undefined ? undefined : services.gateways.get(node.gateway);
  const offer = node?.kind === "offer" ? gateway?.offers.get(node.id) : undefined;
  if (gateway === undefined || offer === undefined) return;
  const accept = l10n.t("Accept");
  const decline = l10n.t("Decline");
  const answer = await ask(gateway, offer, accept, decline);
  const id = parseWorkspaceId(offer.id);
  if (answer === accept) await (await gateway.api()).acceptShare(id);
  if (answer === decline) showTakenBack(undefined, await (await gateway.api()).leaveShare(id));
}

/**
 * Somebody comes with a link to a workspace that is offered to them: accepting it goes on to connect. Returns the workspace;
 * `declined` where the person does not accept it now; undefined where no such offer waits.
 */
export async function acceptToConnect(
  gateway: Gateway,
  ref: WorkspaceRef,
): Promise<Workspace | "declined" | undefined> {
  const api = await gateway.api();
  const shares = await api.sharedWithMe().catch((error: unknown) => {
    // A gateway of before offers nothing.
    if (error instanceof CommandError && error.code === "not_supported") return [];
    throw error;
  });
  const offer = shares.find((one) => one.pending && isMeant(one, ref));
  if (offer === undefined) return undefined;
  const accept = l10n.t("Accept and Connect");
  if ((await ask(gateway, offer, accept)) !== accept) return "declined";
  const id = parseWorkspaceId(offer.id);
  await api.acceptShare(id);
  return await api.workspace({ kind: "id", id });
}

export async function leave(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Leave Shared Workspace"), ({ mine }) => !mine);
  if (target === undefined || target.workspace.mine) return;
  const { gateway, workspace } = target;
  const accept = l10n.t("Leave It");
  const answer = await window.showWarningMessage(
    l10n.t("Leave {0} at {1}?", workspaceLabel(workspace), gatewayLabel(gateway.gateway)),
    {
      modal: true,
      detail: l10n.t("Your open connections to it end. {0} can offer it to you again.", workspace.owner),
    },
    accept,
  );
  if (answer !== accept) return;
  showTakenBack(undefined, await (await gateway.api()).leaveShare(parseWorkspaceId(workspace.id)));
}

async function ask(
  gateway: Gateway,
  { name, owner }: SharedWithMe,
  ...answers: readonly string[]
): Promise<string | undefined> {
  return await window.showInformationMessage(
    l10n.t("{0} wants to share {1} with you at {2}.", owner, name, gatewayLabel(gateway.gateway)),
    {
      modal: true,
      detail: l10n.t(
        "Accept it only if you know {0} and expect this: what you open there runs on their machine, and they can read it. It then stands in your list and in your SSH configuration.",
        owner,
      ),
    },
    ...answers,
  );
}

function isMeant({ id, name, owner }: SharedWithMe, ref: WorkspaceRef): boolean {
  if (ref.kind === "id") return ref.id === id;
  const own = parseWorkspaceRef(`${name}.${owner}`);
  return own.kind === "name" && own.name === ref.name && own.owner === ref.owner;
}
