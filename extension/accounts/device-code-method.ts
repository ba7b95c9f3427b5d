// Signing in with a code that the person enters on the gateway's page, on this machine or on a different one. For editors that a
// browser cannot send an answer to.

import { setTimeout as delay } from "node:timers/promises";
import { env, l10n, Uri, window } from "vscode";
import { send } from "../../agent/client/http-send.ts";
import { checkAuthorizationServer, signsClientsIn } from "../../agent/client/sign-in/authorization-server.ts";
import { askForDeviceCode, pollForTokens } from "../../agent/client/sign-in/device-code.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { AskContext } from "../../agent/platform/credentials/token-endpoint.ts";
import { OAUTH_SCOPES } from "../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { editorNetwork } from "../network.ts";
import { deviceName } from "./browser-method.ts";
import type { Obtained, SignInMethod } from "./sign-in-method.ts";
import { pickWhile } from "./waiting-pick.ts";

export const deviceCodeMethod: SignInMethod = {
  get label() {
    return l10n.t("Enter a code on a web page");
  },
  get detail() {
    return l10n.t("On this machine or any other one, such as your phone.");
  },
  offeredBy: async (discovery, gateway) => signsClientsIn(discovery) && (await takesDeviceCodes(gateway)),
  obtain,
};

async function takesDeviceCodes(gateway: GatewayUrl): Promise<boolean> {
  try {
    return (await checkAuthorizationServer(gateway, { network: editorNetwork() })).deviceCodes;
  } catch {
    // The person reads why when they choose it.
    return true;
  }
}

async function obtain(gateway: GatewayUrl): Promise<Obtained> {
  const network = editorNetwork();
  await checkAuthorizationServer(gateway, { network });
  const context: AskContext = { env: process.env, send: (request) => send(request, network) };
  const wish = { gateway, client: "sallyport-vscode", scopes: OAUTH_SCOPES, device: deviceName() } as const;
  const code = await askForDeviceCode(wish, context);
  const copy = async (): Promise<void> => {
    await env.clipboard.writeText(code.userCode);
    window.setStatusBarMessage(l10n.t("The code is on the clipboard."), 5_000);
  };
  const late = () =>
    new CommandError("sign-in", "device_code_expired", l10n.t("Nobody entered the code in time."));
  const granted = await pickWhile({
    title: l10n.t("Sign in to Sallyport (2/2)"),
    placeholder: l10n.t("Enter {0} at {1}", code.userCode, code.verificationUri),
    items: [
      {
        label: l10n.t("Copy {0} and Open the Page", code.userCode),
        detail: l10n.t("Enter the code only if you started this sign-in yourself."),
        act: async () => {
          await copy();
          await env.openExternal(Uri.parse(code.verificationUri, true));
        },
      },
      { label: l10n.t("Copy {0}", code.userCode), detail: code.verificationUri, act: copy },
      { label: l10n.t("Try Another Way…"), another: true },
    ],
    limitMs: code.expiresInSeconds * 1000,
    late,
    run: (signal) =>
      pollForTokens(
        wish,
        code,
        { ...context, signal },
        {
          now: Date.now,
          sleep: (ms, stop) => delay(ms, undefined, { signal: stop }),
        },
      ),
  });
  if (granted === undefined) return undefined;
  return granted === "another" ? { kind: "another" } : { kind: "granted", granted };
}
