// Tells the person, in every window and once per credential, that a gateway no longer accepts it, with a button to sign
// in again.

import { commands, type Disposable, l10n, window } from "vscode";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { Services } from "../services.ts";
import type { Gateway } from "./gateways.ts";
import { credentialOf } from "./stored-account.ts";

export function watchSignIns(services: Services): Disposable {
  const told = new Set<string>();
  return services.gateways.onDidChange((gateway) => {
    if (gateway?.state.kind !== "signed-out") return;
    const credential = credentialOf(gateway.account);
    if (told.has(credential)) return;
    told.add(credential);
    services.log.warn(`Signed out at ${gateway.gateway}: ${gateway.state.code}`);
    void tell(gateway, gateway.state.code);
  });
}

async function tell({ gateway, account }: Gateway, code: string): Promise<void> {
  const signInAgain = l10n.t("Sign In Again");
  const answer = await window.showWarningMessage(
    reason(code, gatewayLabel(gateway), account.account),
    signInAgain,
  );
  if (answer === signInAgain) await commands.executeCommand("sallyport.signIn", { kind: "gateway", gateway });
}

function reason(code: string, gateway: string, account: string): string {
  switch (code) {
    case "token_expired":
      return l10n.t("Your sign-in at {0} has expired.", gateway);
    case "token_revoked":
      return l10n.t("Your sign-in at {0} was revoked.", gateway);
    case "sign_in_ended":
      return l10n.t("Your sign-in at {0} has ended.", gateway);
    case "account_disabled":
      return l10n.t("The account {0} at {1} is disabled.", account, gateway);
    case "scope_missing":
      return l10n.t(
        "Your access token for {0} is not allowed to list workspaces: sign in with one that is.",
        gateway,
      );
    default:
      return l10n.t("{0} no longer accepts your sign-in.", gateway);
  }
}
