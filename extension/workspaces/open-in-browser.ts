// "Open in Browser": opens the page that a workspace names. The address comes from the workspace, through the gateway,
// so it is checked again here, and the person sees where it leads before it is opened for the first time.

import { env, l10n, Uri, window } from "vscode";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { TreeNode } from "../../agent/client/workspaces/workspace-tree.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { Workspace } from "../../protocol/api.ts";
import { type BrowserUrl, browserOrigin, browserUrlOf } from "../../protocol/values/browser-url.ts";
import { isLoopback } from "../../protocol/values/gateway-url.ts";
import { targetOf } from "../connect/choose-target.ts";
import type { ConnectTarget } from "../connect/target.ts";
import type { Services } from "../services.ts";

/** How much of an address is shown, in characters. */
const MAX_SHOWN = 300;

export async function openInBrowser(services: Services, node: TreeNode | undefined): Promise<void> {
  const target = await targetOf(services, node, l10n.t("Open in Browser"), offersBrowser);
  if (target === undefined) return;
  const url = browserUrlOf(target.workspace.browserUrl);
  if (url === undefined) {
    throw new CommandError(
      "workspace",
      "no_browser_url",
      l10n.t("{0} has no page to open in a browser.", workspaceLabel(target.workspace)),
    );
  }
  if (!(await mayOpen(services, target, url))) return;
  services.log.info(`${workspaceLabel(target.workspace)}: opening ${browserOrigin(url)} in the browser.`);
  await env.openExternal(Uri.parse(url, true));
}

function offersBrowser({ online, browserUrl }: Workspace): boolean {
  return online && browserUrlOf(browserUrl) !== undefined;
}

/** Asks, unless the person has opened the same origin from the same workspace before. */
async function mayOpen(
  { history }: Services,
  { gateway, workspace }: ConnectTarget,
  url: BrowserUrl,
): Promise<boolean> {
  const origin = browserOrigin(url);
  if (history.hasOpened(gateway.gateway, workspace.id, origin)) return true;
  const open = l10n.t("Open in Browser");
  const shown = url.length > MAX_SHOWN ? `${url.slice(0, MAX_SHOWN)}…` : url;
  const detail = [
    shown,
    l10n.t(
      "The workspace {0} of {1} names this address. Go on only if you trust the person who runs it.",
      workspace.name,
      workspace.owner,
    ),
    ...(isLoopback(new URL(url).hostname)
      ? [l10n.t("It leads to your own machine, not to the workspace.")]
      : []),
  ];
  const answer = await window.showWarningMessage(
    l10n.t("Open {0} in your browser?", origin),
    { modal: true, detail: detail.join("\n\n") },
    open,
  );
  if (answer !== open) return false;
  await history.setOpened(gateway.gateway, workspace.id, origin);
  return true;
}
