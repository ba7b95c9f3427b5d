// Asks the owner about a held host key: a host registered under the name of one of their workspaces with a different
// host key, and may take it over only if they accept it.

import { l10n, type QuickPickItem, window } from "vscode";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import type { HeldHostKey } from "../../protocol/api.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import { targetOf } from "../connect/choose-target.ts";
import type { ConnectTarget } from "../connect/target.ts";
import { timeAgo } from "../relative-time.ts";
import type { Services } from "../services.ts";
import { heldKeyLines } from "./workspace-words.ts";

export async function decideHostKey(services: Services, node: TreeNode | undefined): Promise<void> {
  const title = l10n.t("Decide About a New Host Key");
  const isHeld = ({ heldHostKeys }: ConnectTarget["workspace"]) => heldHostKeys !== undefined;
  const target = await targetOf(services, node, title, isHeld);
  if (target === undefined) return;
  const { gateway, workspace } = target;
  const key = await choose(workspace.heldHostKeys ?? [], title);
  if (key === undefined) return;
  const accept = l10n.t("Accept");
  const decline = l10n.t("Decline");
  const answer = await window.showWarningMessage(
    l10n.t("A host registered as {0} with a different host key. Let it take over {0}?", workspace.name),
    {
      modal: true,
      detail: `${heldKeyLines({ ...workspace, heldHostKeys: [key] }).join("\n")}\n\n${l10n.t(
        "Accept the key if the host itself prints this fingerprint, for example because you reinstalled the machine. If you know of no such reason, decline it: somebody may be impersonating the machine.",
      )}`,
    },
    accept,
    decline,
  );
  if (answer === undefined) return;
  const decision = answer === accept ? "accept" : "decline";
  const { fingerprint } = key;
  await (await gateway.api()).decideHostKey(parseWorkspaceRef(workspace.id), { fingerprint, decision });
  services.log.info(`Host key ${fingerprint} of ${workspace.name}: ${decision}.`);
  void window.showInformationMessage(
    decision === "accept"
      ? l10n.t("{0} goes to the host with the new key as soon as it registers again.", workspace.name)
      : l10n.t("The host with the new key may not take over {0}.", workspace.name),
  );
}

/** Returns the only key, or the one that the person chooses. */
async function choose(held: readonly HeldHostKey[], title: string): Promise<HeldHostKey | undefined> {
  if (held.length === 0) {
    void window.showInformationMessage(l10n.t("No host is waiting with a new key."));
    return undefined;
  }
  if (held.length === 1) return held[0];
  const items = held.map((key): QuickPickItem & { key: HeldHostKey } => ({
    label: key.fingerprint,
    description: `${timeAgo(key.since)} · ${key.address}`,
    key,
  }));
  return (await window.showQuickPick(items, { title }))?.key;
}
