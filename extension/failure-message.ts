// What a person reads when something fails: the stage, a sentence, and what they can do about it in the editor.

import { CancellationError, commands, l10n, window } from "vscode";
import { CommandError, type Stage } from "../agent/platform/command-error.ts";
import type { Log } from "../agent/platform/log.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { printable } from "../protocol/values/printable.ts";
import { redactSecrets } from "../protocol/values/token.ts";
import type { EditorLog } from "./log.ts";

/** One or two sentences, without tokens and control characters: some of the words come from other machines. */
export function describe(error: unknown): string {
  const text =
    error instanceof CommandError
      ? (signInAdvice(error) ?? networkAdvice(error) ?? error.message)
      : error instanceof Error
        ? error.message
        : String(error);
  return printable(redactSecrets(text).replace(/\s*[\r\n]+\s*/g, " "), 2_000);
}

/** Shows the failure once, and logs it with its causes. `what` is the attempt, such as "Connecting to devbox". */
export async function showFailure(
  { log }: { readonly log: EditorLog },
  what: string,
  error: unknown,
): Promise<void> {
  if (error instanceof CancellationError) return;
  logFailure(log, what, error);
  const showLog = l10n.t("Show Log");
  const signInAgain = l10n.t("Sign In Again");
  const needsSignIn = error instanceof CommandError && isSignedOut(error);
  const stage = error instanceof CommandError ? stageName(error.stage) : undefined;
  const message =
    stage === undefined
      ? l10n.t("{0} failed: {1}", what, describe(error))
      : l10n.t("{0} failed ({1}): {2}", what, stage, describe(error));
  const answer = await window.showErrorMessage(message, ...(needsSignIn ? [signInAgain] : []), showLog);
  if (answer === showLog) log.show();
  if (answer === signInAgain) await commands.executeCommand("sallyport.signIn");
}

export function logFailure(log: Log, what: string, error: unknown): void {
  const known = error instanceof CommandError || error instanceof ProtocolError;
  log.error(`${what}: ${error instanceof CommandError ? `${error.stage}: ` : ""}${describe(error)}`);
  if (!known && error instanceof Error && error.stack !== undefined) log.error(error.stack);
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    log.error(`  because: ${printable(redactSecrets(cause.message), 2_000)}`);
    cause = cause.cause;
  }
}

/** Whether signing in again is the remedy: the token is no longer valid, or there is none. */
function isSignedOut({ stage, code }: Pick<CommandError, "stage" | "code">): boolean {
  return stage === "sign-in" && code !== "scope_missing" && code !== "forbidden" && code !== "plain_http";
}

function stageName(stage: Stage): string {
  switch (stage) {
    case "config":
      return l10n.t("SSH configuration");
    case "dns":
      return l10n.t("finding the gateway's address");
    case "tcp":
      return l10n.t("reaching the gateway");
    case "proxy":
      return l10n.t("the network's proxy");
    case "tls":
      return l10n.t("the gateway's certificate");
    case "http":
      return l10n.t("the gateway's answer");
    case "sign-in":
      return l10n.t("sign-in");
    case "workspace":
      return l10n.t("the workspace");
    case "tunnel":
      return l10n.t("the tunnel");
    case "ssh":
      return l10n.t("SSH");
    case "keychain":
      return l10n.t("the keychain");
    case "file":
      return l10n.t("a file");
  }
}

/** In the agent's own words people set an environment variable; in the editor they change a setting. */
function networkAdvice({ code }: Pick<CommandError, "code">): string | undefined {
  switch (code) {
    case "captive_portal":
      return l10n.t(
        "This network requires you to sign in first: open any web page in a browser, then try again.",
      );
    case "proxy_auth_required":
      return l10n.t(
        "Your network's proxy requires a user name and password: put them in the setting http.proxy, as http://user:password@host:port.",
      );
    case "proxy_auth_refused":
      return l10n.t(
        "Your network's proxy does not accept the user name and password that it was given: check the settings http.proxy and http.proxyAuthorization.",
      );
    default:
      return undefined;
  }
}

/** In the agent's own words people run a command; in the editor they press a button. */
function signInAdvice({ stage, code }: Pick<CommandError, "stage" | "code">): string | undefined {
  if (stage !== "sign-in") return undefined;
  switch (code) {
    case "token_expired":
      return l10n.t("Your access token has expired.");
    case "token_revoked":
      return l10n.t("Your access token was revoked.");
    case "token_unknown":
    case "unauthenticated":
      return l10n.t("The gateway does not know this access token.");
    case "sign_in_ended":
      return l10n.t("Your sign-in has ended.");
    case "sign_in_denied":
      return l10n.t("The sign-in was declined on the gateway's page.");
    case "wrong_issuer":
      return l10n.t("The answer to the sign-in did not come from your gateway, so it was not used.");
    case "device_code_expired":
      return l10n.t("Nobody entered the code in time.");
    case "account_disabled":
      return l10n.t("Your account is disabled.");
    case "scope_missing":
      return l10n.t("Your access token is not allowed to do this: sign in with one that has more scopes.");
    default:
      return undefined;
  }
}
