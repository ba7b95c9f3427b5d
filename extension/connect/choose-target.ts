// Which workspace a command is meant for.

import { commands } from "vscode";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import type { Workspace } from "../../protocol/api.ts";
import type { Gateway } from "../accounts/gateways.ts";
import type { Services } from "../services.ts";
import { chooseWorkspace } from "../workspaces/workspace-picker.ts";
import type { ConnectTarget } from "./target.ts";

/** Returns the workspace of a tree node, or the one that the person chooses; undefined when they choose none. */
export async function targetOf(
  services: Services,
  node: TreeNode | undefined,
  title: string,
  fits: (workspace: Workspace) => boolean = () => true,
): Promise<ConnectTarget | undefined> {
  const gateways = await services.gateways.list();
  if (gateways.length === 0) {
    await commands.executeCommand("sallyport.signIn");
    if ((await services.gateways.list()).length === 0) return undefined;
  }
  if (node?.kind === "workspace") {
    const gateway = services.gateways.get(node.gateway);
    const workspace = gateway === undefined ? undefined : await find(gateway, node.id);
    if (gateway !== undefined && workspace !== undefined) return { gateway, workspace };
  }
  return await chooseWorkspace(services, { title, fits });
}

async function find(gateway: Gateway, id: string): Promise<Workspace | undefined> {
  return gateway.workspaces.get(id) ?? (await gateway.list()).find((workspace) => workspace.id === id);
}
