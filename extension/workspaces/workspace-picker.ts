// "Connect to Workspace…": the workspaces of all gateways in one list, or an address that the person pastes into it.

import { l10n, type QuickPickItem, QuickPickItemKind, ThemeIcon, window } from "vscode";
import { parsePastedAddress } from "../../agent/client/connect/pasted-address.ts";
import {
  gatewayLabel,
  inOrder,
  type ListedWorkspace,
  workspaceKey,
  workspaceLabel,
} from "../../agent/client/workspaces/workspace-list.ts";
import { type Presence, presenceOf } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Workspace } from "../../protocol/api.ts";
import { findPasted } from "../connect/find-pasted.ts";
import type { ConnectTarget } from "../connect/target.ts";
import { describe } from "../failure-message.ts";
import { timeAgo } from "../relative-time.ts";
import type { Services } from "../services.ts";
import { type ManagedTransport, managedTransports } from "../ssh-config/managed-config.ts";
import { workspaceWords } from "./workspace-words.ts";

interface WorkspaceItem extends QuickPickItem {
  readonly listed?: ListedWorkspace;
  /** The pasted text. */
  readonly address?: string;
}

const ICONS: Readonly<Record<Presence, string>> = {
  online: "vm-active",
  "was-online": "vm",
  offline: "vm-outline",
};

interface ChooseOptions {
  readonly title: string;
  /** Which workspaces are offered. */
  readonly fits: (workspace: Workspace) => boolean;
}

/** Shows at once, and fills as the gateways answer. Returns undefined when the person chose none. */
export async function chooseWorkspace(
  services: Services,
  { title, fits }: ChooseOptions,
): Promise<ConnectTarget | undefined> {
  const { gateways } = services;
  const pick = window.createQuickPick<WorkspaceItem>();
  pick.title = title;
  pick.placeholder = l10n.t("Choose a workspace, or paste an address such as `ssh devbox@gateway.example`");
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  const transports = managedTransports();
  const fill = (): void => {
    pick.items = itemsOf(services, fits, transports, pick.value);
    pick.busy = gateways.known.some(({ state }) => state.kind === "loading");
  };
  const listening = gateways.onDidChange(fill);
  try {
    void gateways.followAll().then(fill);
    fill();
    const item = await new Promise<WorkspaceItem | undefined>((resolve) => {
      let pasted = false;
      pick.onDidChangeValue((value) => {
        const isAddress = looksLikeAddress(value);
        // The list changes only when the line for the address appears or disappears.
        if (isAddress || pasted) fill();
        pasted = isAddress;
      });
      pick.onDidAccept(() => {
        const [selected] = pick.selectedItems;
        // A person who pastes and presses Enter at once may be quicker than the line for the address.
        resolve(selected ?? (looksLikeAddress(pick.value) ? addressItem(pick.value) : undefined));
      });
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
    if (item?.address !== undefined) return await findPasted(services, item.address);
    if (item?.listed === undefined) return undefined;
    const gateway = gateways.get(item.listed.gateway);
    return gateway === undefined ? undefined : { gateway, workspace: item.listed.workspace };
  } finally {
    listening.dispose();
    pick.dispose();
  }
}

function itemsOf(
  { gateways, history }: Services,
  fits: (workspace: Workspace) => boolean,
  transports: ReadonlyMap<string, ManagedTransport>,
  typed: string,
): WorkspaceItem[] {
  const { lastUse } = history;
  const listed = gateways.known.flatMap(({ gateway, workspaces }) =>
    [...workspaces.values()].filter(fits).map((workspace): ListedWorkspace => ({ gateway, workspace })),
  );
  const groups: Readonly<Record<Presence, WorkspaceItem[]>> = { online: [], "was-online": [], offline: [] };
  for (const one of inOrder(listed, lastUse)) {
    const presence = presenceOf(one.workspace, gateways.get(one.gateway)?.state);
    const [usedAt, transport] = [lastUse.get(keyOf(one)), transports.get(keyOf(one))];
    groups[presence].push(workspaceItem(one, presence, usedAt, transport));
  }
  const group = (label: string, items: readonly WorkspaceItem[]): WorkspaceItem[] =>
    items.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...items];
  return [
    ...(looksLikeAddress(typed) ? [addressItem(typed)] : []),
    ...group(l10n.t("online"), groups.online),
    ...group(l10n.t("was online"), groups["was-online"]),
    ...group(l10n.t("offline"), groups.offline),
  ];
}

function workspaceItem(
  { gateway, workspace }: ListedWorkspace,
  presence: Presence,
  usedAt: number | undefined,
  transport: ManagedTransport | undefined,
): WorkspaceItem {
  const used = usedAt === undefined ? [] : [l10n.t("used {0}", timeAgo(usedAt))];
  const owner = workspace.mine ? [] : [l10n.t("Owner: {0}", workspace.owner)];
  return {
    label: workspaceLabel(workspace),
    description: [...workspaceWords(workspace, presence, transport), ...owner, ...used].join(" · "),
    detail: gatewayLabel(gateway),
    iconPath: new ThemeIcon(ICONS[presence]),
    listed: { gateway, workspace },
  };
}

function addressItem(address: string): WorkspaceItem {
  return {
    label: l10n.t("Connect to this address"),
    description: address.slice(0, 200),
    alwaysShow: true,
    iconPath: new ThemeIcon("link"),
    address,
  };
}

function looksLikeAddress(text: string): boolean {
  try {
    return parsePastedAddress(text) !== undefined;
  } catch (error) {
    // It is an address with a mistake in it: choosing it shows the mistake.
    return describe(error) !== "";
  }
}

function keyOf({ gateway, workspace }: ListedWorkspace): string {
  return workspaceKey(gateway, workspace.id);
}
