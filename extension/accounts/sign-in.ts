// Signing in at a gateway: asks which gateway, then signs in by one of the methods that it and this editor offer.

import { l10n, type QuickPickItem, window } from "vscode";
import { gatewayApi } from "../../agent/client/gateway-api.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import type { Granted } from "../../agent/platform/credentials/token-endpoint.ts";
import type { Discovery } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { type GatewayUrl, isPlainRemote, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseName } from "../../protocol/values/name.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import { describe, logFailure } from "../failure-message.ts";
import { editorNetwork } from "../network.ts";
import type { Services } from "../services.ts";
import { accessTokenMethod } from "./access-token-method.ts";
import { browserMethod } from "./browser-method.ts";
import { deviceCodeMethod } from "./device-code-method.ts";
import type { SignInMethod } from "./sign-in-method.ts";
import type { StoredAccount } from "./stored-account.ts";

/** The first one that is offered is the one that most people want. */
const METHODS: readonly SignInMethod[] = [browserMethod, deviceCodeMethod, accessTokenMethod];

/** Returns undefined when the person gave up. */
export async function signIn(services: Services, wanted?: string): Promise<StoredAccount | undefined> {
  const found = await askGateway(wanted, services);
  if (found === undefined) return undefined;
  const { gateway, discovery } = found;
  const offered: SignInMethod[] = [];
  for (const method of METHODS) if (await method.offeredBy(discovery, gateway)) offered.push(method);
  for (;;) {
    const method = await chooseMethod(offered);
    if (method === undefined) return undefined;
    try {
      const obtained = await method.obtain(gateway, services);
      if (obtained === undefined) return undefined;
      if (obtained.kind === "token") return await keepToken(gateway, obtained.token, services);
      if (obtained.kind === "granted") return await keepSignIn(gateway, obtained.granted, services);
    } catch (error) {
      if (offered.length === 1) throw error;
      if (!(await wantsAnotherWay(services, error))) return undefined;
    }
  }
}

async function keepToken(
  gateway: GatewayUrl,
  token: AccessToken,
  services: Services,
): Promise<StoredAccount> {
  const { account, token: info } = await gatewayApi(gateway, { token, network: editorNetwork() }).me();
  const stored: StoredAccount = {
    gateway,
    account: parseName(account.name, "account"),
    token,
    allowPlainHttp: isPlainRemote(gateway),
    scopes: info.scopes,
  };
  const copy = await services.accounts.add(stored);
  services.log.info(`Signed in at ${gateway} as ${stored.account}.`);
  void tellWhereItIs(copy, stored);
  return stored;
}

async function keepSignIn(gateway: GatewayUrl, granted: Granted, services: Services): Promise<StoredAccount> {
  const { account, keptIn } = await services.accounts.addSignIn(gateway, granted, isPlainRemote(gateway));
  services.log.info(`Signed in at ${gateway} as ${account.account}; the sign-in is kept in the ${keptIn}.`);
  void tellWhereItIs(keptIn, account);
  return account;
}

/** Shows what went wrong. Returns whether the person wants to go on. */
async function wantsAnotherWay(services: Services, error: unknown): Promise<boolean> {
  logFailure(services.log, l10n.t("Signing in"), error);
  const again = l10n.t("Try Another Way…");
  return (await window.showErrorMessage(describe(error), again)) === again;
}

/** Asks for an address until a gateway answers there. */
async function askGateway(
  wanted: string | undefined,
  services: Services,
): Promise<{ gateway: GatewayUrl; discovery: Discovery } | undefined> {
  const input = window.createInputBox();
  input.title = l10n.t("Sign in to Sallyport (1/2)");
  input.prompt = l10n.t("The address of your gateway");
  input.placeholder = "https://gateway.example";
  input.value = wanted ?? services.accounts.known[0]?.gateway ?? "";
  input.ignoreFocusOut = true;
  try {
    return await new Promise((resolve) => {
      const accept = async (): Promise<void> => {
        input.busy = true;
        input.enabled = false;
        input.validationMessage = "";
        try {
          const gateway = parseGatewayUrl(input.value);
          if (!(await acceptsPlainHttp(gateway))) return;
          resolve({
            gateway,
            discovery: await gatewayApi(gateway, { network: editorNetwork() }).discovery(),
          });
        } catch (error) {
          input.validationMessage = describe(error);
        } finally {
          input.busy = false;
          input.enabled = true;
        }
      };
      input.onDidChangeValue(() => {
        input.validationMessage = "";
      });
      input.onDidAccept(() => void accept());
      input.onDidHide(() => resolve(undefined));
      input.show();
      // A gateway that is already named, such as by a link that the person agreed to, needs no Enter.
      if (wanted !== undefined) void accept();
    });
  } finally {
    input.dispose();
  }
}

async function acceptsPlainHttp(gateway: GatewayUrl): Promise<boolean> {
  if (!isPlainRemote(gateway)) return true;
  const accept = l10n.t("Sign In Unencrypted");
  const answer = await window.showWarningMessage(
    l10n.t("{0} is not encrypted", gateway),
    {
      modal: true,
      detail: l10n.t(
        "Anyone on the network path could read your access token. Use an https address unless you trust this network.",
      ),
    },
    accept,
  );
  if (answer === accept) return true;
  throw new ProtocolError("bad_url", l10n.t("Use an https address."));
}

async function chooseMethod(methods: readonly SignInMethod[]): Promise<SignInMethod | undefined> {
  if (methods.length <= 1) return methods[0];
  const items = methods.map((method): QuickPickItem & { method: SignInMethod } => ({
    label: method.label,
    detail: method.detail,
    method,
  }));
  const chosen = await window.showQuickPick(items, {
    title: l10n.t("How do you want to sign in?"),
    ignoreFocusOut: true,
  });
  return chosen?.method;
}

async function tellWhereItIs(
  copy: "keychain" | "file" | "nowhere",
  { account, gateway }: StoredAccount,
): Promise<void> {
  const where = gatewayLabel(gateway);
  if (copy === "keychain") {
    await window.showInformationMessage(l10n.t("Signed in at {0} as {1}.", where, account));
  } else if (copy === "file") {
    await window.showInformationMessage(
      l10n.t(
        "Signed in at {0} as {1}. This system has no keychain, so the tunnel finds your token in a file that only you can read.",
        where,
        account,
      ),
    );
  } else {
    await window.showWarningMessage(
      l10n.t(
        "Signed in at {0} as {1}, but your token could not be stored for the tunnel: see the log.",
        where,
        account,
      ),
    );
  }
}
