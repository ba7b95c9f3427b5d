// A link that has been parsed, on its way to a connection. Where an account's gateway vouches for the host key, one in the link
// has to be the same; where nobody does, the link's is the one.

import { CommandError } from "../../agent/platform/command-error.ts";
import type { ConnectUrl } from "../../protocol/connect-url.ts";
import type { Services } from "../services.ts";
import { agreesToShared } from "./ask-shared.ts";
import { requireHostKey } from "./config-step.ts";
import { connectTo } from "./connect.ts";
import { findWorkspace } from "./find-workspace.ts";
import type { ConnectTarget } from "./target.ts";

export async function openLink(services: Services, link: ConnectUrl): Promise<void> {
  const { gateway, workspace, hostKey } = link;
  const target = await ownTarget(services, link);
  if (target === "open" && hostKey !== undefined && workspace.kind === "id") {
    const { connectOpen } = await import("./connect-open.ts");
    return await connectOpen(services, { gateway, id: workspace.id, hostKey });
  }
  if (target === undefined || target === "open") return;
  // Now, so that nobody is asked for keys on the way to a wrong machine; the config step looks again at what it writes.
  if (hostKey !== undefined) requireHostKey(target.workspace, hostKey);
  if (!(await agreesToShared(services, target))) return;
  await connectTo(services, hostKey === undefined ? target : { ...target, hostKey }, { purpose: "here" });
}

/** `open`: no account knows the workspace, and the link has all that is needed without one. */
async function ownTarget(
  services: Services,
  { gateway, workspace, hostKey }: ConnectUrl,
): Promise<ConnectTarget | "open" | undefined> {
  const needsNoAccount = hostKey !== undefined && workspace.kind === "id";
  await services.gateways.list();
  if (needsNoAccount && services.gateways.get(gateway) === undefined) return "open";
  try {
    return await findWorkspace(services, gateway, workspace);
  } catch (error) {
    if (needsNoAccount && error instanceof CommandError && error.code === "workspace_unknown") return "open";
    throw error;
  }
}
