// The credentials of accounts in the agent's store, which programs outside the editor share: the tunnel that ssh starts, a host in
// the background, `sallyport` in a terminal. A pasted token has a copy there. A sign-in is nowhere else, because its refresh
// token is good once, and two holders would end it for each other.

import { CommandError } from "../../agent/platform/command-error.ts";
import type { Credential } from "../../agent/platform/credentials/credential.ts";
import type { Saved, StoreContext } from "../../agent/platform/credentials/store.ts";
import type { Granted } from "../../agent/platform/credentials/token-endpoint.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../protocol/values/token.ts";
import type { StoredAccount } from "./stored-account.ts";

const LOOK_AGAIN_MS = 5 * 60_000;

export interface CurrentToken {
  readonly token: AccessToken;
  /** ISO 8601. */
  readonly accessExpiresAt: string;
}

/** Requests go where the editor's own go. Tokens in the editor's environment are for commands, and not for accounts. */
async function storeContext(): Promise<StoreContext> {
  const [{ send }, { editorNetwork }] = await Promise.all([
    import("../../agent/client/http-send.ts"),
    import("../network.ts"),
  ]);
  return { ...withoutNetwork(), send: (request) => send(request, editorNetwork()) };
}

function withoutNetwork(): StoreContext {
  const { SALLYPORT_TOKEN: _, SALLYPORT_TOKEN_FILE: __, ...env } = process.env;
  return { env };
}

export async function keepCopy(
  gateway: GatewayUrl,
  token: AccessToken,
  account: StoredAccount,
): Promise<Saved> {
  const { saveAccessToken } = await import("../../agent/platform/credentials/store.ts");
  return await saveAccessToken(gateway, token, account, withoutNetwork());
}

/** Whether programs find a credential of this account, be it this one's or a newer one from the command line. */
export async function hasCredential({ gateway, account }: StoredAccount): Promise<boolean> {
  const { listGateways } = await import("../../agent/platform/credentials/store.ts");
  const record = listGateways(process.env).find(({ url }) => url === gateway);
  return record?.account === account && (await readStored(gateway)) !== undefined;
}

/** @throws CommandError stage `file`: neither a keychain nor a file works; then the sign-in has ended again */
export async function keepSignIn(
  gateway: GatewayUrl,
  { credential, account }: Granted,
  allowPlainHttp: boolean,
): Promise<Saved> {
  const { keepOrEnd } = await import("../../agent/client/sign-in/keep.ts");
  return await keepOrEnd(gateway, credential, { account, allowPlainHttp }, await storeContext());
}

/** The access token of a sign-in, renewed first if it is about to expire. @throws CommandError stage `sign-in`, or the network's */
export async function currentToken(account: StoredAccount, refused?: AccessToken): Promise<CurrentToken> {
  const { listGateways, readAccessToken } = await import("../../agent/platform/credentials/store.ts");
  const context = await storeContext();
  const { gateway } = account;
  const record = listGateways(context.env).find(({ url }) => url === gateway);
  const found =
    record?.account === account.account ? await readAccessToken(gateway, context, refused) : undefined;
  if (found !== undefined) {
    // A token that somebody signed in with on the command line in the meantime is looked for again soon.
    const soon = new Date(Date.now() + LOOK_AGAIN_MS).toISOString();
    return { token: found.token, accessExpiresAt: found.renewable?.accessExpiresAt ?? soon };
  }
  throw new CommandError(
    "sign-in",
    "unauthenticated",
    `A different program on this machine signed ${account.account} out at ${gateway}: sign in again.`,
  );
}

/** The same without the network: the token may have expired. undefined: it cannot be read. */
export async function storedToken({ gateway }: StoredAccount): Promise<CurrentToken | undefined> {
  const credential = await readStored(gateway);
  if (credential?.renewal === undefined) return undefined;
  return { token: credential.access, accessExpiresAt: credential.renewal.accessExpiresAt };
}

/** Ends the sign-in at the gateway; the store still has it. @throws CommandError: the gateway could not be told */
export async function endAtGateway(gateway: GatewayUrl): Promise<void> {
  const credential = await readStored(gateway);
  if (credential?.renewal === undefined) return;
  const { endSignIn } = await import("../../agent/client/sign-in/end.ts");
  await endSignIn(gateway, { access: credential.access, renewal: credential.renewal }, await storeContext());
}

/** @throws CommandError */
export async function forget(gateway: GatewayUrl): Promise<void> {
  const { forgetAccessToken } = await import("../../agent/platform/credentials/store.ts");
  await forgetAccessToken(gateway, withoutNetwork());
}

async function readStored(gateway: GatewayUrl): Promise<Credential | undefined> {
  const { readStoredCredential } = await import("../../agent/platform/credentials/store.ts");
  try {
    return await readStoredCredential(gateway, withoutNetwork());
  } catch (error) {
    // A keychain that is locked: nothing can be said about the sign-in now.
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
