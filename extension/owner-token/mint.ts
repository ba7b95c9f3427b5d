// Creates an owner token for one workspace, puts it on the clipboard and says how to use it.

import { l10n, window } from "vscode";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { formatDuration } from "../../agent/platform/duration.ts";
import type { OwnerTokenInfo } from "../../protocol/api.ts";
import { parseTokenId } from "../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import type { ConnectTarget } from "../connect/target.ts";
import { showFailure } from "../failure-message.ts";
import { leaveNotice } from "../remote-window/left-notice.ts";
import { showRevoked } from "../revoked-notice.ts";
import type { Services } from "../services.ts";
import { ownerTokenSeconds } from "../settings.ts";
import { putOnClipboard } from "./clipboard.ts";

/** `ssh-asks`: a connection is about to ask for it. @throws CommandError */
export async function copyOwnerTokenFor(
  services: Services,
  target: ConnectTarget,
  use: "anywhere" | "ssh-asks",
): Promise<void> {
  const { gateway, workspace } = target;
  const seconds = ownerTokenSeconds();
  const ref = parseWorkspaceRef(workspace.id);
  const { token, info } = await (await gateway.api()).createOwnerToken(ref, seconds);
  await putOnClipboard(services, token);
  services.log.info(`Minted owner token ${info.id} for ${workspace.name}, until ${info.expiresAt}.`);
  const notice = { kind: "owner-token", token: info.id, duration: formatDuration(lifetime(info)) } as const;
  if (use === "ssh-asks") await leaveNotice(services, target, notice);
  void showOwnerTokenNotice(services, target, notice, use);
}

/** In seconds, by the gateway's clock. It is shorter than requested when the account's own token expires sooner. */
function lifetime({ createdAt, expiresAt }: OwnerTokenInfo): number {
  return (Date.parse(expiresAt) - Date.parse(createdAt)) / 1000;
}

/** `token` is its id. */
export async function showOwnerTokenNotice(
  services: Services,
  target: ConnectTarget,
  { token: id, duration }: { readonly token: string; readonly duration: string },
  use: "anywhere" | "ssh-asks",
): Promise<void> {
  const { gateway, workspace } = target;
  const label = workspaceLabel(workspace);
  const revoke = l10n.t("Revoke");
  try {
    const text =
      use === "ssh-asks"
        ? l10n.t("An owner token for {0} is on the clipboard: paste it when SSH asks for a password.", label)
        : await howToUse(target, label);
    const limits = l10n.t(
      "It opens only this workspace, for {0}, to anyone who has it. It is removed from the clipboard after 60 seconds.",
      duration,
    );
    if ((await window.showInformationMessage(`${text} ${limits}`, revoke)) !== revoke) return;
    const api = await gateway.api();
    const notWritten = await api.revokeOwnerToken(parseWorkspaceRef(workspace.id), parseTokenId(id));
    showRevoked(l10n.t("The owner token for {0} no longer works.", label), notWritten);
  } catch (error) {
    await showFailure(services, l10n.t("Revoking the owner token"), error);
  }
}

async function howToUse({ gateway, workspace }: ConnectTarget, label: string): Promise<string> {
  const { ssh } = await gateway.discovery();
  if (ssh === null) return l10n.t("An owner token for {0} is on the clipboard.", label);
  const port = ssh.port === 22 ? "" : ` -p ${ssh.port}`;
  return l10n.t(
    "An owner token for {0} is on the clipboard. Run “{1}” anywhere and paste it as the password.",
    label,
    `ssh${port} ${workspace.name}@${ssh.host}`,
  );
}
