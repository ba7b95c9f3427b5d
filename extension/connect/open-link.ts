// A link that has been parsed, on its way to a connection. Where an account's gateway vouches for the host key, one in the link
// has to be the same; where nobody does, the link's is the one.

import { l10n } from "vscode";
import { CommandError } from "../../agent/command.ts";
import type { ConnectLink } from "../../agent/connect/connect-link.ts";
import { parsePublicKey } from "../../protocol/ssh-public-key.ts";
import type { Services } from "../services.ts";
import { type ConnectTarget, connectTo } from "./connect.ts";
import { findWorkspace } from "./find-pasted.ts";

export async function openLink(services: Services, link: ConnectLink): Promise<void> {
  const { gateway, workspace, hostKey } = link;
  const target = await ownTarget(services, link);
  if (target === "open" && hostKey !== undefined && workspace.kind === "id") {
    const { connectOpen } = await import("./connect-open.ts");
    return await connectOpen(services, { gateway, id: workspace.id, hostKey });
  }
  if (target === undefined || target === "open") return;
  if (hostKey !== undefined) {
    const published = target.workspace.hostKeys.map((line) => parsePublicKey(line));
    if (!published.some(({ blob }) => blob === hostKey.blob)) {
      throw new CommandError(
        "ssh",
        "host_key_mismatch",
        l10n.t("The gateway publishes another host key for this workspace than the link says."),
      );
    }
  }
  await connectTo(services, target, { purpose: "here" });
}

/** `open`: no account knows the workspace, and the link has all that is needed without one. */
async function ownTarget(
  services: Services,
  { gateway, workspace, hostKey }: ConnectLink,
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
