// What the holder of a one-use link does with it: look at it, sign in by it, or make the account that it invites to. Looking
// changes nothing, so that a page can ask before it uses the link.

import { ProtocolError } from "../../../protocol/errors.ts";
import {
  AcceptInvitation,
  LinkSignIn,
  OpenedInvitation,
  PasskeyOptions,
  PasskeyRegistration,
  SessionInfo,
} from "../../../protocol/sign-in/api.ts";
import { newAccountId, parseAccountId, parseInvitationId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described } from "../../http/openapi.ts";
import { checked } from "../../http/sign-in.ts";
import {
  fullScopes,
  requireCookies,
  requireOwnPage,
  sessionBody,
  signBrowserIn,
} from "../browser-session/browser-session.ts";
import { checkRegistration, registrationOptions } from "../passkeys/ceremonies.ts";
import { keepChallenge, takeChallenge } from "../passkeys/challenge.ts";
import { relyingParty } from "../passkeys/relying-party.ts";
import { forgetInvitation, keepInvitation, openedInvitation } from "./opened.ts";

export function linkRoutes(api: Api, context: ApiContext): void {
  const { store } = context;

  api.post(
    "/session/link",
    {
      schema: {
        ...described(
          "sign-in",
          "signInByLink",
          "Sign this browser in by a one-use link, or confirm who you are.",
          {
            200: SessionInfo,
          },
        ),
        body: LinkSignIn,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      requireCookies(context);
      const { code } = request.body;
      const { accountId, admin, parent } = await checked(context, request, () =>
        store.invitations.takeSignIn(code, request.clientAddress),
      );
      const { id } = await signBrowserIn(context, request, reply, {
        accountId,
        method: "link",
        // It ends with the token that the link was made with.
        ...(parent === null ? {} : { token: { id: parent, scopes: new Set(fullScopes(admin)) } }),
      });
      return await sessionBody(context, id);
    },
  );

  api.post(
    "/invitations/open",
    {
      schema: {
        ...described(
          "sign-in",
          "openInvitation",
          "Look at a one-use link, and keep an invitation in this browser.",
          {
            200: OpenedInvitation,
          },
        ),
        body: LinkSignIn,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const { code } = request.body;
      const row = await checked(context, request, () => store.invitations.open({ code }));
      if (row.kind !== "sign-in") keepInvitation(context, reply, row.id);
      return {
        kind: row.kind,
        name: row.name,
        admin: row.admin === 1,
        createdBy: row.created_by,
        expiresAt: row.expires_at,
      };
    },
  );

  api.post(
    "/invitations/accept/options",
    {
      schema: {
        ...described("sign-in", "startAccepting", "Get what the new account's passkey is made with.", {
          200: PasskeyOptions,
        }),
        body: AcceptInvitation,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const invitation = openedInvitation(context, request);
      if (invitation === undefined) {
        throw new ProtocolError("bad_request", "Open the link of your invitation once more.");
      }
      const row = await store.invitations.open({ id: invitation });
      if (row.kind !== "account") throw new ProtocolError("bad_request", "This link is for something else.");
      const name = row.name ?? (request.body.name === undefined ? undefined : parseName(request.body.name));
      if (name === undefined) {
        throw new ProtocolError("bad_request", "Choose a name for your account.", { field: "name" });
      }
      if ((await store.accounts.byName(name)) !== undefined) {
        throw new ProtocolError("name_taken", `There is already an account ${name}.`, { field: "name" });
      }
      const account = newAccountId();
      const party = relyingParty(context.publicUrl());
      const options = await registrationOptions(party, { id: account, name, passkeys: [] });
      keepChallenge(context, reply, "accept", options.challenge, { account, name, invitation });
      return { options };
    },
  );

  api.post(
    "/invitations/accept",
    {
      schema: {
        ...described(
          "sign-in",
          "acceptInvitation",
          "Make the account with its passkey, and sign this browser in.",
          {
            200: SessionInfo,
          },
        ),
        body: PasskeyRegistration,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      requireCookies(context);
      const kept = takeChallenge(context, request, reply, "accept");
      const { response, title } = request.body;
      const made = await checkRegistration(relyingParty(context.publicUrl()), response, kept.challenge);
      const account = { id: parseAccountId(kept.account), name: parseName(kept.name) };
      await store.invitations.accept(
        parseInvitationId(kept.invitation),
        account,
        { ...made, title: title.trim() === "" ? "Passkey" : title },
        request.clientAddress,
      );
      forgetInvitation(reply);
      const { id } = await signBrowserIn(context, request, reply, {
        accountId: account.id,
        method: "passkey",
      });
      return await sessionBody(context, id);
    },
  );
}
