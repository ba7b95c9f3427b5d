// Asks before a connect URL or a pasted address leads to a workspace of another account for the first time: anybody can
// write one, and what the person opens there runs on somebody else's machine.

import { l10n, window } from "vscode";
import { gatewayLabel, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { Services } from "../services.ts";
import type { ConnectTarget } from "./target.ts";

/**
 * Returns whether to go on: the workspace is the person's own, they agreed to it before, or they agree now. They are
 * asked again when the workspace has a different host key.
 */
export async function agreesToShared(services: Services, target: ConnectTarget): Promise<boolean> {
  const { workspace, gateway } = target;
  if (workspace.mine) return true;
  const keys = fingerprints(target);
  if (services.history.hasAgreed(gateway.gateway, workspace.id, keys)) return true;
  const connect = l10n.t("Connect");
  const answer = await window.showWarningMessage(
    l10n.t("Connect to {0}, which belongs to {1}?", workspaceLabel(workspace), workspace.owner),
    {
      modal: true,
      detail: l10n.t(
        "Gateway: {0}\nHost key: {1}\n\nA link led here. Go on only if you know {2} and expect this: what you open there runs on their machine, and they can read it.",
        gatewayLabel(gateway.gateway),
        keys[0] ?? "",
        workspace.owner,
      ),
    },
    connect,
  );
  if (answer !== connect) return false;
  await noteAgreement(services, target);
  return true;
}

/** Remembers an agreement, such as one that was given by accepting an offer. */
export async function noteAgreement({ history }: Services, target: ConnectTarget): Promise<void> {
  await history.setAgreed(target.gateway.gateway, target.workspace.id, fingerprints(target));
}

function fingerprints({ workspace }: ConnectTarget): string[] {
  return workspace.hostKeys.map((line) => parsePublicKey(line).fingerprint);
}
