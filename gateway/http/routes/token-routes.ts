// /me: the account and the token that a request is made with. /tokens: the account's access tokens.

import { Type } from "typebox";
import {
  AccessTokenInfo,
  CreateAccessToken,
  CreatedAccessToken,
  Me,
  type Scope,
} from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { TokenIdText } from "../../../protocol/values/fields.ts";
import { type AccountId, parseTokenId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import type { Identity } from "../../directory.ts";
import { accountBody } from "../../store/accounts.ts";
import type { NewAccessToken } from "../../store/tokens/access-tokens.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, requireScope, signedIn, signedInFresh } from "../sign-in.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";

export function tokenRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "account");

  api.get(
    "/me",
    {
      onRequest: signedIn(context, "connect"),
      schema: described("tokens", "getMe", "Get the account and the token that the request is made with.", {
        200: Me,
      }),
    },
    async (request) => {
      const identity = identityOf(request);
      const account = await store.accounts.get(identity.account.id);
      const token = await store.tokens.info(identity.tokenId);
      if (account === undefined || token === undefined)
        throw new ProtocolError("not_found", "This account or token no longer exists.");
      return { account: accountBody(account), token };
    },
  );

  api.post(
    "/tokens",
    {
      onRequest: signedInFresh(context, "account"),
      schema: {
        ...described("tokens", "createToken", "Create an access token. Only this answer shows the secret.", {
          201: CreatedAccessToken,
        }),
        body: CreateAccessToken,
      },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      requireGrantable(request.body.scopes, identity, identity.account.admin);
      const wanted = newToken(request.body, identity, identity.account.id);
      return reply.code(201).send(await store.tokens.create(wanted, actorOf(request)));
    },
  );

  api.get(
    "/tokens",
    {
      onRequest,
      schema: described("tokens", "listTokens", "List the account's access tokens, without the secrets.", {
        200: Type.Array(AccessTokenInfo),
      }),
    },
    async (request) => store.tokens.list(identityOf(request).account.id),
  );

  api.delete(
    "/tokens/:id",
    {
      // For signing out: every token may revoke itself.
      onRequest: signedIn(context),
      schema: {
        ...described("tokens", "revokeToken", "Revoke an access token. It takes effect at once.", REVOKED),
        params: Type.Object({ id: TokenIdText }),
      },
    },
    async (request, reply) => {
      const identity = identityOf(request);
      const id = parseTokenId(request.params.id);
      if (id !== identity.tokenId) requireScope(identity, "account");
      return answerRevoked(reply, await store.tokens.revoke(identity.account.id, id, actorOf(request)));
    },
  );
}

export function newToken(
  { title, scopes, expiresIn = null, workspace, reusable }: CreateAccessToken,
  { mintsUnder }: Identity,
  accountId: AccountId,
): NewAccessToken {
  return {
    accountId,
    title,
    scopes,
    expiresInSeconds: expiresIn,
    parent: mintsUnder,
    workspace: workspace === undefined ? undefined : parseName(workspace, "workspace"),
    reusable,
  };
}

/**
 * A token can only make tokens that can do no more than itself.
 * @throws ProtocolError scope_missing, forbidden, bad_request
 */
export function requireGrantable(scopes: readonly Scope[], creator: Identity, forAdmin: boolean): void {
  if (scopes.includes("scim")) {
    requireScimGrantable(scopes, creator, forAdmin);
    return;
  }
  const beyond = scopes.find((scope) => !creator.scopes.has(scope));
  if (beyond !== undefined) {
    throw new ProtocolError(
      "scope_missing",
      `Your own token lacks the scope ${beyond}, so it can't pass it on.`,
      { field: "scopes" },
    );
  }
  if (scopes.includes("admin") && !forAdmin) {
    throw new ProtocolError("forbidden", "Only tokens of administrators may have the scope admin.", {
      field: "scopes",
    });
  }
}

/** Those who may manage accounts may let an identity provider do so. Its token is for nothing else. */
function requireScimGrantable(scopes: readonly Scope[], creator: Identity, forAdmin: boolean): void {
  if (scopes.length > 1) {
    throw new ProtocolError("bad_request", "A token with the scope scim has no other scope.", {
      field: "scopes",
    });
  }
  requireScope(creator, "admin");
  if (forAdmin) return;
  throw new ProtocolError("forbidden", "Only tokens of administrators may have the scope scim.", {
    field: "scopes",
  });
}
