// Renews a stored credential. A refresh token is good once, so one process does this at a time, and the others find its result;
// what came is written before it is used. Loaded only when an access token is about to expire.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { AccessToken } from "../../../protocol/values/token.ts";
import { CommandError } from "../command-error.ts";
import { type Credential, isFresh } from "./credential.ts";
import { changeGateways, readGateways, type SignedIn, withGateway } from "./gateways.ts";
import { putSomewhere, readStored, type StoreContext, whileLocked } from "./stored-credential.ts";
import { type Granted, GrantRefused, renewGrant } from "./token-endpoint.ts";
import { writeTokenFile } from "./token-file.ts";

export interface Renewed {
  readonly credential: Credential;
  readonly tokenIn: SignedIn["tokenIn"];
}

/**
 * The credential, valid for a minute at least; less where the gateway cannot be reached now. undefined: somebody signed out in
 * the meantime.
 * @param refused an access token that the gateway does not take, whatever its expiry says
 * @throws CommandError stage `sign-in`: sign_in_ended; `keychain`, `file`, or the network's
 */
export async function renewStored(
  gateway: GatewayUrl,
  context: StoreContext,
  refused: AccessToken | undefined,
): Promise<Renewed | undefined> {
  return await whileLocked(gateway, context.env, async () => {
    const record = readGateways(context.env).signedIn.find(({ url }) => url === gateway);
    const stored = record === undefined ? undefined : await readStored(record, context);
    if (record === undefined || stored === undefined) return undefined;
    const { renewal } = stored;
    // A different process was quicker.
    if (renewal === undefined || (isFresh(renewal) && stored.access !== refused)) {
      return { credential: stored, tokenIn: record.tokenIn };
    }
    let granted: Granted;
    try {
      granted = await renewGrant(gateway, renewal.client, renewal.refresh, context);
    } catch (error) {
      if (context.signal?.aborted === true) throw error;
      if (error instanceof GrantRefused && error.code === "invalid_grant") throw signInEnded(gateway, error);
      // The gateway may be there again before the token expires.
      if (Date.parse(renewal.accessExpiresAt) > Date.now()) {
        return { credential: stored, tokenIn: record.tokenIn };
      }
      throw error instanceof GrantRefused ? notRenewed(gateway, error) : error;
    }
    return { credential: granted.credential, tokenIn: await write(record, granted.credential, context) };
  });
}

/** Where it was. A keychain that is locked by now is no reason to lose a sign-in: then it is kept in a file. */
async function write(
  record: SignedIn,
  credential: Credential,
  context: StoreContext,
): Promise<SignedIn["tokenIn"]> {
  if (record.tokenIn === "file") {
    writeTokenFile(record.url, credential, context.env);
    return "file";
  }
  const { tokenIn } = await putSomewhere(record.url, credential, context);
  if (tokenIn === "file") {
    await changeGateways(context.env, (gateways) => withGateway(gateways, { ...record, tokenIn }));
  }
  return tokenIn;
}

function signInEnded(gateway: GatewayUrl, cause: GrantRefused): CommandError {
  const why = cause.message === cause.code ? "" : ` (${cause.message.replace(/\.$/, "")})`;
  return new CommandError(
    "sign-in",
    "sign_in_ended",
    `Your sign-in at ${gateway} has ended${why}: run \`sallyport login ${gateway}\`.`,
    { cause },
  );
}

function notRenewed(gateway: GatewayUrl, cause: GrantRefused): CommandError {
  return new CommandError(
    "http",
    cause.code,
    `${gateway} did not renew your sign-in: ${cause.message.replace(/\.$/, "")}. Try again later.`,
    { cause },
  );
}
