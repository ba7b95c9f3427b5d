// The commands "Copy Owner Token" and "Revoke Owner Tokens".

import { l10n, type QuickPickItem, window } from "vscode";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import type { OwnerTokenInfo } from "../../protocol/api.ts";
import { parseTokenId } from "../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import { targetOf } from "../connect/choose-target.ts";
import { timeAgo } from "../relative-time.ts";
import { showRevoked } from "../revoked-notice.ts";
import type { Services } from "../services.ts";
import { copyOwnerTokenFor } from "./mint.ts";

export async function copyOwnerToken(services: Services, node: TreeNode | undefined): Promise<void> {
  const title = l10n.t("Copy Owner Token");
  const target = await targetOf(services, node, title, ({ mine, endToEndOnly }) => mine && !endToEndOnly);
  if (target !== undefined) await copyOwnerTokenFor(services, target, "anywhere");
}

export async function revokeOwnerTokens(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Revoke Owner Tokens"), ({ mine }) => mine);
  if (target === undefined) return;
  const { gateway, workspace } = target;
  const label = workspaceLabel(workspace);
  const ref = parseWorkspaceRef(workspace.id);
  const api = await gateway.api();
  const tokens = await api.ownerTokens(ref);
  if (tokens.length === 0) {
    void window.showInformationMessage(l10n.t("There are no owner tokens for {0}.", label));
    return;
  }
  const picked = await window.showQuickPick(tokens.map(toItem), {
    title: l10n.t("Which owner tokens for {0} do you want to revoke?", label),
    canPickMany: true,
  });
  if (picked === undefined || picked.length === 0) return;
  let notWritten: string | undefined;
  for (const { token } of picked) notWritten = await api.revokeOwnerToken(ref, parseTokenId(token.id));
  showRevoked(
    picked.length === 1
      ? l10n.t("1 owner token revoked.")
      : l10n.t("{0} owner tokens revoked.", picked.length),
    notWritten,
  );
}

function toItem(token: OwnerTokenInfo): QuickPickItem & { token: OwnerTokenInfo } {
  return {
    label: l10n.t("Created {0}", timeAgo(token.createdAt)),
    description: l10n.t("expires {0}", timeAgo(token.expiresAt)),
    detail: token.lastUsedAt === null ? l10n.t("Never used") : l10n.t("Used {0}", timeAgo(token.lastUsedAt)),
    picked: true,
    token,
  };
}
