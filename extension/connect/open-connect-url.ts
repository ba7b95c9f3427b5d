// Opens a parsed connect URL. Where a gateway publishes the workspace's host key to the person's account, a host key in
// the URL must be among the published ones. For an accountless workspace, the host key in the URL is the one that is
// trusted.

import { CommandError } from "../../agent/platform/command-error.ts";
import type { ConnectUrl } from "../../protocol/connect-url.ts";
import type { Services } from "../services.ts";
import { agreesToShared } from "./ask-shared.ts";
import { requireHostKey } from "./config-step.ts";
import { connectTo } from "./connect.ts";
import { findWorkspace } from "./find-workspace.ts";
import type { ConnectTarget } from "./target.ts";

export async function openConnectUrl(services: Services, link: ConnectUrl): Promise<void> {
  const { gateway, workspace, hostKey } = link;
  const target = await ownTarget(services, link);
  if (target === "accountless" && hostKey !== undefined && workspace.kind === "id") {
    const { connectAccountless } = await import("./connect-accountless.ts");
    return await connectAccountless(services, { gateway, id: workspace.id, hostKey });
  }
  if (target === undefined || target === "accountless") return;
  // Checked before any question, so that nobody registers a key for the wrong machine. The config step checks what it
  // writes.
  if (hostKey !== undefined) requireHostKey(target.workspace, hostKey);
  if (!(await agreesToShared(services, target))) return;
  await connectTo(services, hostKey === undefined ? target : { ...target, hostKey }, { purpose: "here" });
}

/** `accountless`: no account knows the workspace, and the URL has all that is needed without one. */
async function ownTarget(
  services: Services,
  { gateway, workspace, hostKey }: ConnectUrl,
): Promise<ConnectTarget | "accountless" | undefined> {
  const needsNoAccount = hostKey !== undefined && workspace.kind === "id";
  await services.gateways.list();
  if (needsNoAccount && services.gateways.get(gateway) === undefined) return "accountless";
  try {
    return await findWorkspace(services, gateway, workspace);
  } catch (error) {
    if (needsNoAccount && error instanceof CommandError && error.code === "workspace_unknown")
      return "accountless";
    throw error;
  }
}
