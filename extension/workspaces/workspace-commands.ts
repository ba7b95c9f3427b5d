// The commands on a workspace other than connecting: rename, share, forget, show details.

import { env, l10n, type QuickPickItem, window } from "vscode";
import { markdownText } from "../../agent/client/markdown-text.ts";
import { gatewayLabel, workspaceKey, workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { presenceOf, type TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import { formatConnectUrl } from "../../protocol/connect-url.ts";
import { parseName, parseWorkspaceRef } from "../../protocol/values/name.ts";
import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import { targetOf } from "../connect/choose-target.ts";
import type { ConnectTarget } from "../connect/target.ts";
import { nameProblem } from "../name-problem.ts";
import { showPage } from "../page.ts";
import { timeAgo } from "../relative-time.ts";
import { showRevoked } from "../revoked-notice.ts";
import type { Services } from "../services.ts";
import { managedTransports } from "../ssh-config/managed-config.ts";
import { transportWord, workspaceWords } from "./workspace-words.ts";

export async function rename(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Rename Workspace"), ({ mine }) => mine);
  if (target === undefined) return;
  const { gateway, workspace } = target;
  const text = await window.showInputBox({
    title: l10n.t("New name for {0}", workspace.name),
    value: workspace.name,
    validateInput: nameProblem,
  });
  if (text === undefined || text === workspace.name) return;
  await (await gateway.api()).renameWorkspace(parseWorkspaceRef(workspace.id), parseName(text));
  void window.showInformationMessage(l10n.t("{0} is now called {1}.", workspace.name, text));
}

/** Shows the accounts that a workspace is shared with, to end that or to share it with one more. */
export async function share(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Share Workspace"), ({ mine }) => mine);
  if (target === undefined) return;
  const { gateway, workspace } = target;
  const ref = parseWorkspaceRef(workspace.id);
  const api = await gateway.api();
  const shares = await api.shares(ref);
  const add = { label: l10n.t("Share with another account…"), account: undefined };
  const link = { label: l10n.t("Copy a link to {0}", workspace.name), account: null };
  const items: (QuickPickItem & { account: string | null | undefined })[] = [
    add,
    ...shares.map(({ account, pending }) => ({
      label: l10n.t("Stop sharing with {0}", account),
      description: pending ? l10n.t("not accepted yet") : l10n.t("open connections end"),
      account,
    })),
    link,
  ];
  const picked = await window.showQuickPick(items, { title: l10n.t("Share {0}", workspace.name) });
  if (picked === undefined) return;
  if (picked.account === null) return await copyLink(target);
  if (picked.account !== undefined) {
    const notWritten = await api.unshare(ref, parseName(picked.account, "account"));
    showRevoked(l10n.t("{0} is no longer shared with {1}.", workspace.name, picked.account), notWritten);
    return;
  }
  const account = await window.showInputBox({
    title: l10n.t("Share {0} with which account?", workspace.name),
    prompt: l10n.t("They can log in to the workspace with their own keys, as your user."),
    validateInput: nameProblem,
  });
  if (account === undefined) return;
  await api.share(ref, parseName(account, "account"));
  const copy = l10n.t("Copy Link");
  const answer = await window.showInformationMessage(
    l10n.t("{0} is offered to {1}, who can reach it after accepting.", workspace.name, account),
    copy,
  );
  if (answer === copy) await copyLink(target);
}

async function copyLink({ gateway, workspace }: ConnectTarget): Promise<void> {
  const ref = parseWorkspaceRef(workspace.id);
  const link = formatConnectUrl(
    { gateway: gateway.gateway, workspace: ref, hostKey: undefined },
    env.uriScheme,
  );
  await env.clipboard.writeText(link);
  void window.showInformationMessage(l10n.t("A link to {0} is on the clipboard.", workspace.name));
}

/** Deletes the workspace at the gateway. Nothing on the workspace itself is deleted. */
export async function forget(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Forget Workspace"), ({ mine }) => mine);
  if (target === undefined) return;
  const { gateway, workspace } = target;
  const accept = l10n.t("Forget Workspace");
  const answer = await window.showWarningMessage(
    l10n.t("Forget {0} at {1}?", workspace.name, gatewayLabel(gateway.gateway)),
    {
      modal: true,
      detail: workspace.online
        ? l10n.t(
            "It is online: its host will be disconnected, open connections will end, and nobody else will reach it any longer. Nothing on the machine itself is deleted.",
          )
        : l10n.t(
            "It will no longer be shared with anyone. Nothing on the machine itself is deleted; when its host starts again, it comes back as a new workspace.",
          ),
    },
    accept,
  );
  if (answer !== accept) return;
  const api = await gateway.api();
  showRevoked(undefined, await api.deleteWorkspace(parseWorkspaceRef(workspace.id)));
}

/** Shows the facts about a workspace as a page. */
export async function showDetails(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Show Details"));
  if (target === undefined) return;
  await showPage(services, workspaceLabel(target.workspace), await detailsOf(services, target));
}

async function detailsOf(services: Services, { gateway, workspace }: ConnectTarget): Promise<string> {
  const { ssh } = await gateway.discovery();
  const transport = managedTransports().get(workspaceKey(gateway.gateway, workspace.id));
  const rows: (readonly [string, string])[] = [
    [l10n.t("State"), workspaceWords(workspace, presenceOf(workspace, gateway.state), transport).join(" · ")],
    [l10n.t("Gateway"), gateway.gateway],
    [l10n.t("Owner"), workspace.owner],
    [l10n.t("Clients"), String(workspace.clients)],
    [
      l10n.t("Transport"),
      transport === undefined ? l10n.t("not connected from this machine yet") : transportWord(transport),
    ],
    [l10n.t("SSH port of the gateway"), ssh === null ? l10n.t("none") : `${ssh.host}:${ssh.port}`],
    [l10n.t("End to end only"), workspace.endToEndOnly ? l10n.t("yes") : l10n.t("no")],
    ...(workspace.folder === undefined ? [] : [[l10n.t("Folder"), workspace.folder] as const]),
    ...(workspace.browserUrl === undefined
      ? []
      : [[l10n.t("In the browser"), workspace.browserUrl] as const]),
    [l10n.t("Created"), timeAgo(workspace.createdAt)],
    [l10n.t("Last used from here"), lastUse(services, gateway.gateway, workspace.id)],
    ...workspace.hostKeys.map((line) => [l10n.t("Host key"), parsePublicKey(line).fingerprint] as const),
    ...(workspace.heldHostKeys ?? []).map(
      ({ fingerprint }) => [l10n.t("New host key, not accepted"), fingerprint] as const,
    ),
    ["ID", workspace.id],
  ];
  const table = rows.map(([name, value]) => `| ${name} | ${markdownText(value)} |`).join("\n");
  return `# ${workspaceLabel(workspace)}\n\n| | |\n|---|---|\n${table}\n`;
}

function lastUse({ history }: Services, gateway: ConnectTarget["gateway"]["gateway"], id: string): string {
  const at = history.lastUse.get(workspaceKey(gateway, id));
  return at === undefined ? l10n.t("never") : timeAgo(at);
}
