// /session: how this browser is signed in. /sign-ins: the browsers and clients that an account is signed in with.

import { Type } from "typebox";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  SessionInfo,
  SignedOut,
  SignInInfo,
  SignInMethods,
  TokenSignIn,
} from "../../../protocol/sign-in/api.ts";
import { TokenIdText } from "../../../protocol/values/fields.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described } from "../../http/openapi.ts";
import { answerRevoked, REVOKED } from "../../http/routes/revoked.ts";
import { actorOf, checkedToken, identityOf, signedIn } from "../../http/sign-in.ts";
import { takesPasskeys } from "../passkeys/relying-party.ts";
import {
  forgetSession,
  keepsCookies,
  requireOwnPage,
  sessionBody,
  signBrowserIn,
} from "./browser-session.ts";

export function sessionRoutes(api: Api, context: ApiContext): void {
  const { store } = context;

  api.get(
    "/sign-in-methods",
    {
      schema: described("sign-in", "listSignInMethods", "List how people can sign in here.", {
        200: SignInMethods,
      }),
    },
    async () => {
      return {
        providers: [...context.signInMethods.providers()],
        passkeys: takesPasskeys(context.publicUrl()),
        cookies: keepsCookies(context),
        deviceCodes: context.signInMethods.deviceCodes,
      };
    },
  );

  api.get(
    "/session",
    {
      onRequest: signedIn(context),
      schema: described("sign-in", "getSession", "Get this browser's session.", { 200: SessionInfo }),
    },
    async (request) => {
      const { kind, tokenId } = identityOf(request);
      if (kind !== "browser")
        throw new ProtocolError("not_found", "This request is not made by a browser session.");
      return await sessionBody(context, tokenId);
    },
  );

  api.post(
    "/session/token",
    {
      schema: {
        ...described(
          "sign-in",
          "signInByToken",
          "Sign this browser in by an access token, or confirm who you are.",
          {
            200: SessionInfo,
          },
        ),
        body: TokenSignIn,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const identity = await checkedToken(context, request, request.body.token.trim());
      if (identity.kind !== "token") {
        throw new ProtocolError(
          "bad_token",
          "This token belongs to a signed-in program: use an access token.",
        );
      }
      if (!identity.scopes.has("account")) {
        throw new ProtocolError("scope_missing", "This access token lacks the scope account.");
      }
      const { id } = await signBrowserIn(context, request, reply, {
        accountId: identity.account.id,
        method: "token",
        token: { id: identity.tokenId, scopes: identity.scopes },
      });
      return await sessionBody(context, id);
    },
  );

  api.delete(
    "/session",
    {
      onRequest: signedIn(context),
      schema: described("sign-in", "signOut", "Sign this browser out.", { 200: SignedOut }),
    },
    async (request, reply) => {
      const identity = identityOf(request);
      if (identity.kind !== "browser")
        throw new ProtocolError("not_found", "This request is not made by a browser session.");
      const endSession = await context.signInMethods.endSessionUrl(identity.tokenId);
      await store.tokens.revoke(identity.account.id, identity.tokenId, actorOf(request));
      forgetSession(reply);
      return { endSession };
    },
  );

  api.get(
    "/sign-ins",
    {
      onRequest: signedIn(context, "account"),
      schema: described(
        "sign-in",
        "listSignIns",
        "List the browsers and programs that the account is signed in with.",
        {
          200: Type.Array(SignInInfo),
        },
      ),
    },
    async (request) => {
      const { account, tokenId } = identityOf(request);
      return await store.signIns.list(account.id, tokenId);
    },
  );

  api.delete(
    "/sign-ins/:id",
    {
      onRequest: signedIn(context, "account"),
      schema: {
        ...described(
          "sign-in",
          "endSignIn",
          "Sign a browser or program out. All that it opened ends.",
          REVOKED,
        ),
        params: Type.Object({ id: TokenIdText }),
      },
    },
    async (request, reply) => {
      const { account } = identityOf(request);
      const id = parseTokenId(request.params.id);
      const row = await store.signIns.row(id);
      if (row === undefined || row.account_id !== account.id) {
        throw new ProtocolError("not_found", "There is no such sign-in.");
      }
      return answerRevoked(reply, await store.tokens.revoke(account.id, id, actorOf(request)));
    },
  );
}
