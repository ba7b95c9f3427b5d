// Signing in with the browser: the page asks the person, and its answer comes back as a URI that the system opens in this editor.

import { hostname } from "node:os";
import { env, l10n, Uri } from "vscode";
import { send } from "../../agent/client/http-send.ts";
import { authorize, newState } from "../../agent/client/sign-in/authorization.ts";
import { checkAuthorizationServer, signsClientsIn } from "../../agent/client/sign-in/authorization-server.ts";
import { swapCode } from "../../agent/client/sign-in/browser.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import { EDITOR_REDIRECT, EDITOR_SCHEMES, OAUTH_SCOPES } from "../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { printable } from "../../protocol/values/printable.ts";
import { editorNetwork } from "../network.ts";
import type { Services } from "../services.ts";
import type { Obtained, SignInMethod } from "./sign-in-method.ts";
import { pickWhile } from "./waiting-pick.ts";

const CALLBACK = new RegExp(
  `^([a-z-]+)://${EDITOR_REDIRECT.replaceAll(".", "\\.")}(\\?windowId=(?:\\d{1,10}|_blank))?$`,
);
const LIMIT_MS = 5 * 60_000;

export const browserMethod: SignInMethod = {
  get label() {
    return l10n.t("Sign in with the browser");
  },
  get detail() {
    return l10n.t("You sign in on your gateway's page, and come back here.");
  },
  offeredBy: async (discovery) => signsClientsIn(discovery) && (await callbackUri()) !== undefined,
  obtain,
};

/**
 * The device's name on the page that asks the person, and in the list of signed-in devices. Editors decode a URL that they open,
 * and encode it again, so nothing in the name may have a meaning in a query.
 */
export function deviceName(): string {
  return printable(l10n.t("{0} on {1}", env.appName, hostname()), 100).replace(/[&=#+%?;]/g, "-");
}

/**
 * Where the answer comes back to; undefined where the gateway would not send it there: an editor in a browser, which has a
 * web address instead of a scheme of its own.
 */
async function callbackUri(): Promise<string | undefined> {
  const uri = await env.asExternalUri(Uri.parse(`${env.uriScheme}://${EDITOR_REDIRECT}`));
  return knownCallback(uri.toString(true));
}

/** The editor may add the window that the answer is for, and the gateway takes that by its number. */
export function knownCallback(uri: string): string | undefined {
  const [, scheme, window = ""] = CALLBACK.exec(uri) ?? [];
  if (!EDITOR_SCHEMES.some((known) => known === scheme)) return undefined;
  return `${scheme}://${EDITOR_REDIRECT}${/\d/.test(window) ? window : ""}`;
}

async function obtain(gateway: GatewayUrl, services: Services): Promise<Obtained> {
  const network = editorNetwork();
  await checkAuthorizationServer(gateway, { network });
  const redirectUri = await callbackUri();
  if (redirectUri === undefined) return { kind: "another" };
  const client = "sallyport-vscode";
  const state = newState();
  const authorization = authorize({
    gateway,
    client,
    redirectUri,
    scopes: OAUTH_SCOPES,
    device: deviceName(),
    state,
  });
  const open = () => env.openExternal(Uri.parse(authorization.url, true));
  const granted = await pickWhile({
    title: l10n.t("Sign in to Sallyport (2/2)"),
    placeholder: l10n.t("Go on in your browser, at {0}.", gatewayLabel(gateway)),
    items: [
      { label: l10n.t("Open the Page Again"), act: open },
      { label: l10n.t("Try Another Way…"), another: true },
    ],
    limitMs: LIMIT_MS,
    late: () => new CommandError("sign-in", "timeout", l10n.t("Nobody signed in within five minutes.")),
    run: async (signal) => {
      const waiting = services.signIns.wait({ state, gateway }, signal);
      // Nobody waits for it any more if the page cannot be opened.
      waiting.catch(() => {});
      await Promise.race([open(), waiting]);
      const answer = await waiting;
      if (answer.kind === "refused") throw answer.error;
      const context = {
        env: process.env,
        signal,
        send: (request: Parameters<typeof send>[0]) => send(request, network),
      };
      return await swapCode(gateway, client, authorization, answer.code, context);
    },
  });
  if (granted === undefined) return undefined;
  return granted === "another" ? { kind: "another" } : { kind: "granted", granted };
}
