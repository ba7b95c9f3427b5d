// How a node of the tree looks and sounds: every icon has words, and every item a label for screen readers.

import {
  type Command,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
} from "vscode";
import type { FeedState } from "../../agent/client/workspaces/gateway-feed.ts";
import { gatewayLabel, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import {
  contextValue,
  type GatewayView,
  type Notice,
  nodeId,
  type Presence,
  presenceOf,
  type TreeNode,
} from "../../agent/client/workspaces/workspace-tree.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { SharedWithMe, Workspace } from "../../protocol/api.ts";
import { printable } from "../../protocol/values/printable.ts";
import { describe } from "../failure-message.ts";
import type { ManagedTransport } from "../ssh-config/managed-config.ts";
import { heldKeyLines, workspaceWords } from "./workspace-words.ts";

export function treeItem(
  node: TreeNode,
  view: GatewayView | undefined,
  account: string | undefined,
  transport: ManagedTransport | undefined,
): TreeItem {
  const item = itemOf(node, view, account, transport);
  item.id = nodeId(node);
  item.contextValue = contextValue(node, view);
  return item;
}

function itemOf(
  node: TreeNode,
  view: GatewayView | undefined,
  account: string | undefined,
  transport: ManagedTransport | undefined,
): TreeItem {
  switch (node.kind) {
    case "gateway":
      return gatewayItem(view, gatewayLabel(node.gateway), account ?? "");
    case "workspace": {
      const workspace = view?.workspaces.get(node.id);
      return workspace === undefined
        ? new TreeItem(node.id)
        : workspaceItem(node, workspace, view?.state, transport);
    }
    case "offline-folder": {
      const count = [...(view?.workspaces.values() ?? [])].filter(({ online }) => !online).length;
      const item = new TreeItem(l10n.t("Offline"), TreeItemCollapsibleState.Collapsed);
      item.description = String(count);
      item.iconPath = new ThemeIcon("circle-slash");
      item.accessibilityInformation = {
        label: count === 1 ? l10n.t("1 workspace offline") : l10n.t("{0} workspaces offline", count),
      };
      return item;
    }
    case "offer": {
      const offer = view?.offers.get(node.id);
      return offer === undefined ? new TreeItem(node.id) : offerItem(node, offer);
    }
    case "notice":
      return noticeItem(node.notice, node, view);
  }
}

/** An offer, without a notification: it waits at the end of the list until the person looks. */
function offerItem(node: TreeNode, { name, owner }: SharedWithMe): TreeItem {
  const label = `${name}.${owner}`;
  const item = new TreeItem(label, TreeItemCollapsibleState.None);
  item.description = l10n.t("offered by {0}", owner);
  item.iconPath = new ThemeIcon("mail");
  item.tooltip = l10n.t("{0} wants to share this workspace with you: accept or decline.", owner);
  item.accessibilityInformation = { label: `${label}, ${l10n.t("offered by {0}", owner)}` };
  item.command = {
    command: "sallyport.answerOffer",
    title: l10n.t("Accept or Decline"),
    arguments: [node],
  };
  return item;
}

function gatewayItem(view: GatewayView | undefined, label: string, account: string): TreeItem {
  const item = new TreeItem(label, TreeItemCollapsibleState.Expanded);
  const state = view?.state ?? { kind: "loading" };
  const word = stateWord(state.kind);
  item.description = state.kind === "online" ? account : `${account} · ${word}`;
  item.iconPath = gatewayIcon(state.kind);
  item.tooltip = stateMessage(view) ?? l10n.t("Signed in as {0}", account);
  item.accessibilityInformation = { label: l10n.t("Gateway {0}, account {1}, {2}", label, account, word) };
  return item;
}

function gatewayIcon(state: GatewayView["state"]["kind"]): ThemeIcon {
  switch (state) {
    case "online":
      return new ThemeIcon("server-environment");
    case "loading":
      return new ThemeIcon("loading~spin");
    case "offline":
      return new ThemeIcon("debug-disconnect", new ThemeColor("list.warningForeground"));
    case "signed-out":
      return new ThemeIcon("key", new ThemeColor("list.warningForeground"));
    case "error":
      return new ThemeIcon("error", new ThemeColor("list.errorForeground"));
  }
}

function stateWord(state: GatewayView["state"]["kind"]): string {
  switch (state) {
    case "online":
      return l10n.t("online");
    case "loading":
      return l10n.t("loading");
    case "offline":
      return l10n.t("not reachable");
    case "signed-out":
      return l10n.t("signed out");
    case "error":
      return l10n.t("error");
  }
}

function workspaceItem(
  node: TreeNode,
  workspace: Workspace,
  state: FeedState | undefined,
  transport: ManagedTransport | undefined,
): TreeItem {
  const label = workspaceLabel(workspace);
  const item = new TreeItem(label, TreeItemCollapsibleState.None);
  const presence = presenceOf(workspace, state);
  const words = workspaceWords(workspace, presence, transport);
  item.description = words.join(" · ");
  item.iconPath = workspaceIcon(presence);
  item.accessibilityInformation = { label: `${label}, ${words.join(", ")}` };
  if (workspace.heldHostKeys !== undefined) {
    item.iconPath = new ThemeIcon("warning", new ThemeColor("list.warningForeground"));
  }
  if (state?.kind === "signed-out") item.command = signInCommand(node);
  else if (presence === "offline" && workspace.heldHostKeys !== undefined) {
    const title = l10n.t("Decide About a New Host Key");
    item.command = { command: "sallyport.decideHostKey", title, arguments: [node] };
  } else if (presence === "offline")
    item.command = { command: "sallyport.showDetails", title: l10n.t("Show Details"), arguments: [node] };
  else item.command = { command: "sallyport.connectHere", title: l10n.t("Connect"), arguments: [node] };
  return item;
}

function workspaceIcon(presence: Presence): ThemeIcon {
  switch (presence) {
    case "online":
      return new ThemeIcon("vm-active", new ThemeColor("testing.iconPassed"));
    case "was-online":
      return new ThemeIcon("vm");
    case "offline":
      return new ThemeIcon("vm-outline");
  }
}

/** The tooltip of a workspace, made when it is needed; undefined for other nodes. */
export function tooltip(
  node: TreeNode,
  view: GatewayView | undefined,
  transport: ManagedTransport | undefined,
): MarkdownString | undefined {
  const workspace = node.kind === "workspace" ? view?.workspaces.get(node.id) : undefined;
  if (workspace === undefined) return undefined;
  const words = workspaceWords(workspace, presenceOf(workspace, view?.state), transport);
  // Names are a-z, 0-9 and hyphens, so they contain no Markdown; and this text is not trusted anyway.
  const text = new MarkdownString(`**${workspaceLabel(workspace)}**\n\n${words.join(" · ")}`);
  text.appendMarkdown(`\n\n${l10n.t("Owner: {0}", workspace.owner)}`);
  if (workspace.endToEndOnly) text.appendMarkdown(`\n\n${l10n.t("End to end only")}`);
  for (const line of heldKeyLines(workspace)) text.appendMarkdown(`\n\n${line}`);
  return text;
}

function noticeItem(notice: Notice, node: TreeNode, view: GatewayView | undefined): TreeItem {
  const item = new TreeItem(noticeText(notice));
  // Without a label, screen readers read the tooltip.
  item.accessibilityInformation = { label: noticeText(notice) };
  item.tooltip = stateMessage(view) ?? "";
  switch (notice) {
    case "loading":
      item.iconPath = new ThemeIcon("loading~spin");
      break;
    case "none":
      item.iconPath = new ThemeIcon("info");
      break;
    case "offline":
    case "error":
      item.iconPath = new ThemeIcon("warning");
      item.command = { command: "sallyport.refresh", title: l10n.t("Try Again") };
      break;
    case "signed-out":
      item.iconPath = new ThemeIcon("key");
      item.command = signInCommand(node);
      break;
  }
  return item;
}

function signInCommand({ gateway }: TreeNode): Command {
  return {
    command: "sallyport.signIn",
    title: l10n.t("Sign In Again"),
    arguments: [{ kind: "gateway", gateway }],
  };
}

/** What is wrong with a gateway; undefined when nothing is. */
function stateMessage(view: GatewayView | undefined): string | undefined {
  const state = view?.state;
  if (state === undefined || !("message" in state)) return undefined;
  return state.kind === "signed-out"
    ? describe(new CommandError("sign-in", state.code, state.message))
    : printable(state.message, 500);
}

function noticeText(notice: Notice): string {
  switch (notice) {
    case "loading":
      return l10n.t("Loading workspaces…");
    case "none":
      return l10n.t("No workspaces yet");
    case "offline":
      return l10n.t("Not reachable: try again");
    case "error":
      return l10n.t("Something went wrong: try again");
    case "signed-out":
      return l10n.t("Signed out: sign in again");
  }
}
