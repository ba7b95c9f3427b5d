// /session/name: somebody signed in by a provider for the first time, and chooses the name of the account.

import { ProtocolError } from "../../../../protocol/errors.ts";
import { ChooseName, PendingAccount, SessionInfo } from "../../../../protocol/sign-in/api.ts";
import { parseInvitationId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import type { Api, ApiContext } from "../../../http/context.ts";
import { described } from "../../../http/openapi.ts";
import { requireOwnPage, sessionBody, signBrowserIn } from "../../browser-session/browser-session.ts";
import { forgetInvitation } from "../../invitations/opened.ts";
import { providerFacts } from "../provider-tokens.ts";
import { firstSignIn, forgetFirstSignIn } from "./first-sign-in.ts";

export function nameRoutes(api: Api, context: ApiContext): void {
  const { store, sealer } = context;

  api.get(
    "/session/name",
    {
      schema: described("sign-in", "getPendingAccount", "Get who waits in this browser for an account.", {
        200: PendingAccount,
      }),
    },
    async (request) => {
      requireOwnPage(context, request);
      const first = firstSignIn(sealer, request);
      if (first === undefined) throw nobodyWaits();
      const { provider, display, suggestion } = first;
      return { provider, display, suggestion };
    },
  );

  api.post(
    "/session/name",
    {
      schema: {
        ...described("sign-in", "chooseName", "Choose the account's name, and sign this browser in.", {
          200: SessionInfo,
        }),
        body: ChooseName,
      },
    },
    async (request, reply) => {
      requireOwnPage(context, request);
      const first = firstSignIn(sealer, request);
      const provider = first === undefined ? undefined : context.providers.get(first.provider);
      if (first === undefined || provider === undefined) throw nobodyWaits();
      const { display, issuer, subject, admin } = first;
      const identity = await store.identities.createAccount(
        parseName(request.body.name),
        { provider: first.provider, issuer, subject, display },
        { admin: admin === true, from: admin === null ? null : first.provider },
        request.clientAddress,
        first.invitation === undefined ? undefined : parseInvitationId(first.invitation),
      );
      if (first.invitation !== undefined) forgetInvitation(reply);
      forgetFirstSignIn(reply);
      const { id } = await signBrowserIn(context, request, reply, {
        accountId: identity.account_id,
        method: provider.settings.kind,
        identity: providerFacts(sealer, first.provider, identity.id, first),
      });
      await store.identities.noteSignIn(identity.id, display);
      return await sessionBody(context, id);
    },
  );
}

function nobodyWaits(): ProtocolError {
  return new ProtocolError("not_found", "Nobody waits here for an account any more: sign in again.");
}
