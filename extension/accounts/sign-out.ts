// Signing out: a sign-in is ended at the gateway, and everything is removed from this machine. An access token that the person
// pasted stays valid at the gateway, and the person is told so.

import { l10n, type QuickPickItem, window } from "vscode";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { Services } from "../services.ts";

export async function signOut(services: Services, wanted?: GatewayUrl): Promise<void> {
  const accounts = await services.accounts.list();
  const gateway = wanted ?? (await choose(accounts));
  if (gateway === undefined) return;
  const account = await services.accounts.find(gateway);
  const notTold = await services.accounts.remove(gateway);
  services.log.info(`Signed out at ${gateway}.`);
  const label = gatewayLabel(gateway);
  if (notTold !== undefined) {
    const message = l10n.t(
      "Signed out at {0} on this machine. The gateway could not be told, so end this sign-in in its list of devices.",
      label,
    );
    void window.showWarningMessage(message);
  } else if (account !== undefined && "signIn" in account) {
    void window.showInformationMessage(l10n.t("Signed out at {0}.", label));
  } else {
    void window.showInformationMessage(
      l10n.t("Signed out at {0}. The access token itself still works until it expires or is revoked.", label),
    );
  }
}

async function choose(
  accounts: readonly { readonly gateway: GatewayUrl; readonly account: string }[],
): Promise<GatewayUrl | undefined> {
  if (accounts.length === 0) {
    void window.showInformationMessage(l10n.t("You are not signed in anywhere."));
    return undefined;
  }
  const items = accounts.map(({ gateway, account }): QuickPickItem & { gateway: GatewayUrl } => ({
    label: account,
    description: gatewayLabel(gateway),
    gateway,
  }));
  return (await window.showQuickPick(items, { title: l10n.t("Sign out of which account?") }))?.gateway;
}
