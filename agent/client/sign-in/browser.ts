// Signing in by the browser of this machine: the page asks the person, and its answer comes back to a port of this machine.

import type { OAuthClient, OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import {
  type AskContext,
  askForTokens,
  type Granted,
  GrantRefused,
} from "../../platform/credentials/token-endpoint.ts";
import { type Authorization, authorize, newState } from "./authorization.ts";
import { listenForAnswer } from "./loopback.ts";

export interface BrowserWish {
  readonly gateway: GatewayUrl;
  readonly client: OAuthClient;
  readonly scopes: readonly OAuthScope[];
  readonly device: string;
}

/**
 * @param open shows the URL, which has nothing secret in it, to the person
 * @throws CommandError stage `sign-in`: sign_in_denied, sign_in_failed, wrong_issuer, timeout; the signal's reason
 */
export async function signInByBrowser(
  wish: BrowserWish,
  open: (url: string) => Promise<void>,
  context: AskContext & { readonly signal: AbortSignal },
): Promise<Granted> {
  const state = newState();
  const { gateway, client } = wish;
  const loopback = await listenForAnswer({ gateway, state, signal: context.signal });
  try {
    const authorization = authorize({ ...wish, state, redirectUri: loopback.redirectUri });
    await open(authorization.url);
    const answer = await loopback.answer();
    if (answer.kind === "refused") throw answer.error;
    return await swapCode(gateway, client, authorization, answer.code, context);
  } finally {
    loopback.close();
  }
}

/** @throws CommandError stage `sign-in`, code `sign_in_failed`; the network's */
export async function swapCode(
  gateway: GatewayUrl,
  client: OAuthClient,
  authorization: Authorization,
  code: string,
  context: AskContext,
): Promise<Granted> {
  try {
    return await askForTokens(gateway, client, authorization.formWith(code), context);
  } catch (error) {
    if (!(error instanceof GrantRefused)) throw error;
    const message = `${gateway} did not sign you in: ${error.message.replace(/\.$/, "")}.`;
    throw new CommandError("sign-in", "sign_in_failed", message, { cause: error });
  }
}
