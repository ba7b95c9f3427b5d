// Signing in with an access token. It is typed or pasted into a password field and kept only after the gateway accepted
// it.

import { l10n, window } from "vscode";
import { gatewayApi } from "../../agent/client/gateway-api.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { type AccessToken, parseAccessToken, tokenKind } from "../../protocol/values/token.ts";
import { describe } from "../failure-message.ts";
import { editorNetwork } from "../network.ts";
import type { SignInMethod } from "./sign-in-method.ts";

export const accessTokenMethod: SignInMethod = {
  get label() {
    return l10n.t("Paste an access token");
  },
  get detail() {
    return l10n.t("One that you have made, or that the person who runs the gateway gave you.");
  },
  offeredBy: () => Promise.resolve(true),
  obtain: async (gateway) => {
    const token = await askForToken(gateway);
    return token === undefined ? undefined : { kind: "token", token };
  },
};

async function askForToken(gateway: GatewayUrl): Promise<AccessToken | undefined> {
  const input = window.createInputBox();
  input.title = l10n.t("Sign in to Sallyport (2/2)");
  input.prompt = l10n.t(
    "Your access token for {0}. Create one with `sallyport token create`, or ask the person who runs the gateway.",
    gatewayLabel(gateway),
  );
  input.placeholder = "spt_…";
  input.password = true;
  input.ignoreFocusOut = true;
  try {
    return await new Promise((resolve) => {
      input.onDidChangeValue(() => {
        input.validationMessage = "";
      });
      const accept = async (): Promise<void> => {
        input.busy = true;
        input.enabled = false;
        try {
          resolve(await checked(input.value, gateway));
        } catch (error) {
          input.validationMessage = describe(error);
        } finally {
          input.busy = false;
          input.enabled = true;
        }
      };
      input.onDidAccept(() => void accept());
      input.onDidHide(() => resolve(undefined));
      input.show();
    });
  } finally {
    input.dispose();
  }
}

async function checked(text: string, gateway: GatewayUrl): Promise<AccessToken> {
  if (tokenKind(text.trim()) === "spo") {
    throw new Error(l10n.t("This is an owner token (spo_…): it opens one workspace, not an account."));
  }
  const token = parseAccessToken(text.trim());
  await gatewayApi(gateway, { token, network: editorNetwork() }).me();
  return token;
}
