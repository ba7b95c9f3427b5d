// The words for a workspace's state, transport and host keys, wherever they are shown.

import { l10n } from "vscode";
import type { Presence } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Workspace } from "../../protocol/api.ts";
import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import { timeAgo } from "../relative-time.ts";
import type { ManagedTransport } from "../ssh-config/managed-config.ts";

/** State, transport and number of clients, for the description and for screen readers. */
export function workspaceWords(
  workspace: Pick<Workspace, "clients" | "lastSeenAt" | "heldHostKeys">,
  presence: Presence,
  transport: ManagedTransport | undefined,
): string[] {
  const [state = "", ...more] = presenceWords(workspace, presence, transport);
  // Second, because a narrow sidebar cuts off the end.
  return workspace.heldHostKeys === undefined ? [state, ...more] : [state, l10n.t("new host key"), ...more];
}

function presenceWords(
  { clients, lastSeenAt }: Pick<Workspace, "clients" | "lastSeenAt">,
  presence: Presence,
  transport: ManagedTransport | undefined,
): string[] {
  if (presence === "was-online") return [l10n.t("was online")];
  if (presence === "offline") {
    return lastSeenAt === null
      ? [l10n.t("offline")]
      : [l10n.t("offline"), l10n.t("seen {0}", timeAgo(lastSeenAt))];
  }
  return [
    l10n.t("online"),
    ...(transport === undefined ? [] : [transportWord(transport)]),
    ...(clients === 0 ? [] : [clients === 1 ? l10n.t("1 client") : l10n.t("{0} clients", clients)]),
  ];
}

export function transportWord(transport: ManagedTransport): string {
  switch (transport) {
    case "direct":
      return l10n.t("direct");
    case "tunnel":
      return l10n.t("tunnel");
    case "owner-token":
      return l10n.t("owner token");
  }
}

/** The workspace's host key and the held ones, for its owner to compare. Empty when none is held. */
export function heldKeyLines({ hostKeys, heldHostKeys = [] }: Workspace): string[] {
  const [known] = hostKeys;
  if (heldHostKeys.length === 0) return [];
  return [
    l10n.t("Known host key: {0}", known === undefined ? l10n.t("none") : parsePublicKey(known).fingerprint),
    ...heldHostKeys.map(({ fingerprint, since, address }) =>
      l10n.t("New host key: {0}, {1} from {2}", fingerprint, timeAgo(since), address),
    ),
  ];
}
