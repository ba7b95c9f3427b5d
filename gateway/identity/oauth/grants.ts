// What the token endpoint gives for a code, a refresh token or a device code. Each ends in a sign-in of a client.

import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_LIFETIMES, type OAuthClient, type TokenAnswer } from "../../../protocol/sign-in/oauth.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import { parseOneUseCode } from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import type { ApiContext } from "../../http/context.ts";
import type { ProviderFacts } from "../../store/sign-ins/sign-ins.ts";
import { parseScopes } from "../../store/tokens/scopes.ts";
import { OAuthRefusal } from "./oauth-refusal.ts";

/** The parameter of a token request; undefined: it is missing. @throws OAuthRefusal: it is there twice */
export type Parameter = (name: string) => string | undefined;

interface TokenRequest {
  readonly client: OAuthClient;
  readonly parameter: Parameter;
  /** The client's. */
  readonly address: string;
}

/** How long a renewal waits for an identity provider. */
const CONFIRM_MS = 5_000;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** @throws OAuthRefusal */
export async function codeGrant(context: ApiContext, request: TokenRequest): Promise<TokenAnswer> {
  const { store } = context;
  const { client, parameter, address } = request;
  const code = required(parameter, "code");
  const redirectUri = required(parameter, "redirect_uri");
  const verifier = required(parameter, "code_verifier");
  if (!VERIFIER.test(verifier)) {
    throw new OAuthRefusal("invalid_request", "code_verifier is not as it should be.");
  }
  const unknown = "This code is unknown, expired, used, or not for this request.";
  const row = await store.oauthCodes.take({
    code: parsed(() => parseOneUseCode(code), unknown),
    client,
    redirectUri,
    verifier,
    address,
  });
  if (row === undefined) throw new OAuthRefusal("invalid_grant", unknown);
  const session = await consentingSession(context, row.session_id, "invalid_grant");
  const answer = await signIn(context, request, session, row);
  if (await store.oauthCodes.gave(row.hash, answer.id)) return answer.tokens;
  // Somebody presented the code again while this sign-in was being made.
  await store.signIns.endByToken(answer.access, client, address);
  throw new OAuthRefusal("invalid_grant", unknown);
}

/** @throws OAuthRefusal */
export async function deviceGrant(context: ApiContext, request: TokenRequest): Promise<TokenAnswer> {
  const { client, parameter } = request;
  const unknown = "This device code is unknown or used.";
  const code = parsed(() => parseOneUseCode(required(parameter, "device_code")), unknown);
  const poll = await context.store.deviceCodes.poll(code, client);
  switch (poll.kind) {
    case "unknown":
      throw new OAuthRefusal("invalid_grant", unknown);
    case "expired":
      throw new OAuthRefusal("expired_token", "Nobody decided in time: ask for a new device code.");
    case "denied":
      throw new OAuthRefusal("access_denied", "The person did not allow it.");
    case "pending":
      throw new OAuthRefusal("authorization_pending", "The person has not decided yet.");
    case "slow_down":
      throw new OAuthRefusal("slow_down", "Ask less often.");
    case "approved": {
      const session = await consentingSession(context, poll.sessionId, "access_denied");
      return (await signIn(context, request, session, poll.row)).tokens;
    }
  }
}

/** @throws OAuthRefusal */
export async function refreshGrant(context: ApiContext, request: TokenRequest): Promise<TokenAnswer> {
  const { client, parameter, address } = request;
  const refresh = required(parameter, "refresh_token");
  const renewed = await refusedAs("invalid_grant", () =>
    context.store.signIns.renewClient({ refresh, scope: parameter("scope"), client, address }),
  );
  await refusedAs("invalid_grant", () => confirmSoon(context, renewed.id));
  const scope = parseScopes(renewed.scopes).join(" ");
  return tokenAnswer(renewed, scope, renewed.account.name, renewed.id);
}

/**
 * Asks the identity provider whether the person may still come in. What takes longer than a renewal may is left to go on: its
 * answer ends the sign-in later, if it is a no.
 * @throws ProtocolError token_revoked
 */
async function confirmSoon({ liveness, log }: ApiContext, id: TokenId): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CONFIRM_MS);
  });
  const asked = liveness.confirm(id);
  asked.catch((error: unknown) => {
    if (!(error instanceof ProtocolError)) log.error({ err: error }, "A sign-in could not be confirmed.");
  });
  try {
    await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The session in which the person consented. If it has ended meanwhile, so has the consent. @throws OAuthRefusal */
async function consentingSession(
  { store }: ApiContext,
  id: TokenId,
  otherwise: "invalid_grant" | "access_denied",
): Promise<{ readonly identity: Identity; readonly facts: ProviderFacts | undefined }> {
  return await refusedAs(otherwise, async () => {
    const identity = await store.recheck(id);
    const row = await store.signIns.row(id);
    const facts =
      row === undefined || row.provider === null || row.identity_id === null
        ? undefined
        : {
            provider: row.provider,
            identityId: row.identity_id,
            ...(row.idp_session === null ? {} : { idpSession: row.idp_session }),
          };
    return { identity, facts };
  });
}

async function signIn(
  { store }: ApiContext,
  { client, address }: TokenRequest,
  { identity, facts }: { readonly identity: Identity; readonly facts: ProviderFacts | undefined },
  granted: { readonly device: string; readonly scopes: string },
) {
  const scopes = parseScopes(granted.scopes).filter(
    (scope) => scope !== "admin" && identity.scopes.has(scope),
  );
  const { account } = identity;
  const made = await refusedAs("invalid_grant", () =>
    store.signIns.createClient(
      {
        accountId: account.id,
        client,
        device: granted.device,
        method: "oauth",
        scopes,
        // Like everything that is made in a browser, it outlives the browser's session but not the token behind that.
        parent: identity.mintsUnder,
        address,
        ...(facts === undefined ? {} : { identity: facts }),
      },
      { account: account.name, address },
    ),
  );
  const { id, access } = made;
  return { id, access, tokens: tokenAnswer(made, scopes.join(" "), account.name, id) };
}

function tokenAnswer(
  { access, refresh }: { readonly access: string; readonly refresh: string },
  scope: string,
  account: string,
  signInId: TokenId,
): TokenAnswer {
  return {
    access_token: access,
    token_type: "Bearer",
    expires_in: OAUTH_LIFETIMES.access,
    refresh_token: refresh,
    scope,
    account,
    sign_in: signInId,
  };
}

function required(parameter: Parameter, name: string): string {
  const value = parameter(name);
  if (value === undefined) throw new OAuthRefusal("invalid_request", `${name} is missing.`);
  return value;
}

function parsed<T>(parse: () => T, message: string): T {
  try {
    return parse();
  } catch (reason) {
    if (reason instanceof ProtocolError) throw new OAuthRefusal("invalid_grant", message, { reason });
    throw reason;
  }
}

/** Refusals of the store that concern the grant get an OAuth code; failures stay what they are. */
async function refusedAs<T>(code: "invalid_grant" | "access_denied", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    if (reason instanceof ProtocolError && reason.status < 500) {
      throw new OAuthRefusal(reason.code === "scope_missing" ? "invalid_scope" : code, reason.message, {
        reason,
      });
    }
    throw reason;
  }
}
