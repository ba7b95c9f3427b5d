// Asks the person about a workspace that another account offers.

import { l10n, window } from "vscode";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { SharedWithMe, Workspace } from "../../protocol/api.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../protocol/values/name.ts";
import type { Gateway } from "../accounts/gateways.ts";

/**
 * For a connect URL that leads to a workspace that is offered to this account: accepts the offer, so that connecting
 * can go on. Returns the workspace; `declined` when the person does not accept it now; undefined when there is no such
 * offer.
 */
export async function acceptToConnect(
  gateway: Gateway,
  ref: WorkspaceRef,
): Promise<Workspace | "declined" | undefined> {
  const api = await gateway.api();
  const shares = await api.sharedWithMe().catch((error: unknown) => {
    // An older gateway has no offers.
    if (error instanceof CommandError && error.code === "not_supported") return [];
    throw error;
  });
  const offer = shares.find((one) => one.pending && isMeant(one, ref));
  if (offer === undefined) return undefined;
  const accept = l10n.t("Accept and Connect");
  if ((await askAboutOffer(gateway, offer, accept)) !== accept) return "declined";
  const id = parseWorkspaceId(offer.id);
  await api.acceptShare(id);
  return await api.workspace({ kind: "id", id });
}

/** Returns the answer that the person chose; undefined: none. */
export async function askAboutOffer(
  gateway: Gateway,
  { name, owner }: SharedWithMe,
  ...answers: readonly string[]
): Promise<string | undefined> {
  return await window.showInformationMessage(
    l10n.t("{0} wants to share {1} with you at {2}.", owner, name, gatewayLabel(gateway.gateway)),
    {
      modal: true,
      detail: l10n.t(
        "Accept it only if you know {0} and expect this: what you open there runs on their machine, and they can read it. The workspace then appears in your list and in your SSH configuration.",
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
