// What the sidebar shows, without the sidebar: nodes with stable ids, or the welcome text that is shown instead. Pure.

import type { SharedWithMe, Workspace } from "../../../protocol/api.ts";
import { browserUrlOf } from "../../../protocol/values/browser-url.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { FeedState } from "./gateway-feed.ts";
import { inOrder, type LastUse, type ListedWorkspace } from "./workspace-list.ts";

export type TreeNode =
  | { readonly kind: "gateway"; readonly gateway: GatewayUrl }
  | { readonly kind: "workspace"; readonly gateway: GatewayUrl; readonly id: string }
  /** Folds the workspaces that are offline. */
  | { readonly kind: "offline-folder"; readonly gateway: GatewayUrl }
  /** A workspace that another account offers; `id` is the workspace's. */
  | { readonly kind: "offer"; readonly gateway: GatewayUrl; readonly id: string }
  /** A line instead of workspaces, or above those that are known from earlier. */
  | { readonly kind: "notice"; readonly gateway: GatewayUrl; readonly notice: Notice };

export type Notice = "loading" | "none" | "offline" | "error" | "signed-out";

/** The welcome text that is shown. `list`: none, since the tree has something to show. */
export type Welcome = "signed-out" | "loading" | "none" | "offline" | "error" | "expired" | "list";

export interface GatewayView {
  readonly gateway: GatewayUrl;
  readonly state: FeedState;
  readonly workspaces: ReadonlyMap<string, Workspace>;
  /** The offers that wait for this person's answer, by the workspace's id. */
  readonly offers: ReadonlyMap<string, SharedWithMe>;
}

export function nodeId(node: TreeNode): string {
  switch (node.kind) {
    case "gateway":
      return `gateway ${node.gateway}`;
    case "workspace":
      return `workspace ${node.gateway} ${node.id}`;
    case "offer":
      return `offer ${node.gateway} ${node.id}`;
    case "offline-folder":
      return `offline ${node.gateway}`;
    case "notice":
      return `notice ${node.gateway} ${node.notice}`;
  }
}

/** With one gateway that has nothing to list, a welcome text is shown instead of the tree. */
export function welcome(gateways: readonly GatewayView[]): Welcome {
  const [only, ...others] = gateways;
  if (only === undefined) return "signed-out";
  if (others.length > 0 || only.workspaces.size > 0 || only.offers.size > 0) return "list";
  switch (only.state.kind) {
    case "signed-out":
      return "expired";
    case "online":
      return "none";
    default:
      return only.state.kind;
  }
}

export function rootNodes(gateways: readonly GatewayView[]): TreeNode[] {
  if (welcome(gateways) !== "list") return [];
  return gateways.map(({ gateway }) => ({ kind: "gateway", gateway }));
}

export function childNodes(node: TreeNode, view: GatewayView, lastUse: LastUse): TreeNode[] {
  const { gateway } = node;
  const listed = inOrder(
    [...view.workspaces.values()].map((workspace): ListedWorkspace => ({ gateway, workspace })),
    lastUse,
  );
  const toNode = ({ workspace }: ListedWorkspace): TreeNode => ({
    kind: "workspace",
    gateway,
    id: workspace.id,
  });
  if (node.kind === "offline-folder") return listed.filter((one) => !one.workspace.online).map(toNode);
  if (node.kind !== "gateway") return [];
  const online = listed.filter((one) => one.workspace.online);
  const notice = noticeOf(view);
  return [
    ...(notice === undefined ? [] : [{ kind: "notice", gateway, notice } as const]),
    ...online.map(toNode),
    ...(online.length < listed.length ? [{ kind: "offline-folder", gateway } as const] : []),
    ...[...view.offers.keys()].map((id): TreeNode => ({ kind: "offer", gateway, id })),
  ];
}

export function parentNode(node: TreeNode, view: GatewayView | undefined): TreeNode | undefined {
  const { gateway } = node;
  if (node.kind === "gateway") return undefined;
  const offline = node.kind === "workspace" && view?.workspaces.get(node.id)?.online === false;
  return { kind: offline ? "offline-folder" : "gateway", gateway };
}

/** What is known of a workspace. `was-online`: it was online when its gateway last answered. Whether it still is cannot be
 * told, since the gateway does not answer now.
 */
export type Presence = "online" | "was-online" | "offline";

export function presenceOf({ online }: Pick<Workspace, "online">, state: FeedState | undefined): Presence {
  if (!online) return "offline";
  switch (state?.kind) {
    case "signed-out":
    case "offline":
    case "error":
      return "was-online";
    default:
      return "online";
  }
}

/** The words that the `when` clauses of menus in package.json look for: `viewItem =~ /^workspace online/`. */
export function contextValue(node: TreeNode, view: GatewayView | undefined): string {
  switch (node.kind) {
    case "gateway":
      return view?.state.kind === "signed-out" ? "gateway expired" : "gateway";
    case "workspace": {
      const workspace = view?.workspaces.get(node.id);
      if (workspace === undefined) return "workspace";
      // The gateway would refuse every command. One that is only out of reach may be back by now.
      if (view?.state.kind === "signed-out") return "workspace signed-out";
      const words = [
        "workspace",
        workspace.online ? "online" : "offline",
        workspace.mine ? "mine" : "shared",
      ];
      if (workspace.mine && !workspace.endToEndOnly) words.push("owner-token");
      if (browserUrlOf(workspace.browserUrl) !== undefined) words.push("browser");
      if (workspace.heldHostKeys !== undefined) words.push("held");
      return words.join(" ");
    }
    default:
      return node.kind;
  }
}

export function onlineCount(gateways: readonly GatewayView[]): number {
  let count = 0;
  for (const { state, workspaces } of gateways) {
    for (const one of workspaces.values()) if (presenceOf(one, state) === "online") count += 1;
  }
  return count;
}

function noticeOf({ state, workspaces }: GatewayView): Notice | undefined {
  if (state.kind === "online") return workspaces.size === 0 ? "none" : undefined;
  return state.kind;
}
