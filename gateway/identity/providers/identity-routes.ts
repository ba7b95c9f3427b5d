// /identities: at which providers an account signs in. /admin/providers: what an administrator sees of the providers.

import { Type } from "typebox";
import { ProtocolError } from "../../../protocol/errors.ts";
import { IdentityInfo } from "../../../protocol/sign-in/api.ts";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { ProviderStatus, ProviderTest } from "../../../protocol/sign-in/provider-api.ts";
import { IdentityIdText, Keyword } from "../../../protocol/values/fields.ts";
import { parseIdentityId } from "../../../protocol/values/id.ts";
import { printable } from "../../../protocol/values/printable.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described, Nothing } from "../../http/openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../../http/sign-in.ts";
import type { Provider } from "./provider.ts";
import { lastTest } from "./sign-in/provider-test.ts";
import { redirectUri } from "./sign-in/sign-in-routes.ts";

export function identityRoutes(api: Api, context: ApiContext): void {
  const { store, providers } = context;

  api.get(
    "/identities",
    {
      onRequest: signedIn(context, "account"),
      schema: described("sign-in", "listIdentities", "List the providers' identities of the account.", {
        200: Type.Array(IdentityInfo),
      }),
    },
    async (request) => await store.identities.list(identityOf(request).account.id),
  );

  api.delete(
    "/identities/:id",
    {
      onRequest: signedInFresh(context, "account"),
      schema: {
        ...described("sign-in", "removeIdentity", "Remove an identity. What was signed in by it ends.", {
          204: Nothing,
        }),
        params: Type.Object({ id: IdentityIdText }),
      },
    },
    async (request, reply) => {
      const { account } = identityOf(request);
      const id = parseIdentityId(request.params.id);
      const signIns = await store.signIns.byIdentity(id);
      await store.identities.remove(account.id, id, actorOf(request));
      for (const signIn of signIns) {
        await store.tokens.revoke(signIn.accountId, signIn.id, actorOf(request));
      }
      return reply.code(204).send(null);
    },
  );

  api.get(
    "/admin/providers",
    {
      onRequest: signedIn(context, "admin"),
      schema: described("accounts", "listProviders", "List the identity providers and how they are.", {
        200: Type.Array(ProviderStatus),
      }),
    },
    async () => providers.all().map((provider) => statusOf(context, provider)),
  );

  api.get(
    "/admin/providers/:id/test",
    {
      onRequest: signedIn(context, "admin"),
      schema: {
        ...described(
          "accounts",
          "getProviderTest",
          "Get what this browser's last test of a provider brought.",
          {
            200: ProviderTest,
          },
        ),
        params: Type.Object({ id: Keyword }),
      },
    },
    async (request) => {
      const found = await lastTest(store, identityOf(request).tokenId, request.params.id);
      if (found !== undefined) return found;
      throw new ProtocolError("not_found", "No test of this provider was made in this browser.");
    },
  );
}

function statusOf(context: ApiContext, provider: Provider): ProviderStatus {
  const { settings, state } = provider;
  const url = context.publicUrl();
  return {
    id: settings.id,
    kind: settings.kind,
    label: printable(settings.label, 60),
    issuer: settings.issuer,
    clientId: settings.clientId,
    scopes: [...settings.scopes],
    redirectUri: redirectUri(context, provider),
    backChannelLogoutUri: provider.logoutToken === null ? null : `${url}/sign-in/logout/${settings.id}`,
    afterSignOutUri: settings.kind === "oidc" ? `${url}${PAGES.signIn}` : null,
    allowDomains: [...settings.allowDomains],
    allowGroups: shown(settings.allowGroups),
    denyGroups: shown(settings.denyGroups),
    adminGroups: shown(settings.adminGroups),
    groupsClaim: printable(settings.groupsClaim, 255),
    state: state.state,
    checkedAt: state.checkedAt?.toISOString() ?? null,
    problem: state.problem === null ? null : printable(state.problem, 500),
  };
}

function shown(names: readonly string[]): string[] {
  return names.map((name) => printable(name, 255));
}
