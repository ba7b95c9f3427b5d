// POST /sign-in/logout/:provider: a provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0 §2.5). It comes
// from the provider and not from a browser, so no cookie counts; the token's signature does.

import { Type } from "typebox";
import { ProtocolError } from "../../../protocol/errors.ts";
import { Keyword } from "../../../protocol/values/fields.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import type { SignInWithAccount } from "../../store/sign-ins/sign-ins.ts";
import type { SignedOutThere } from "./provider.ts";

const MAX_BODY = 32 * 1024;

/** Register it as a plugin: its parser of forms is for this route only. */
export function logoutRoute(context: ApiContext) {
  return (api: Api, _options: object, done: () => void): void => {
    api.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: MAX_BODY },
      (_request, body, parsed) => parsed(null, String(body)),
    );
    api.post(
      "/sign-in/logout/:provider",
      { schema: { hide: true, params: Type.Object({ provider: Keyword }) } },
      async (request, reply) => {
        const { store, liveness } = context;
        const id = request.params.provider;
        const address = request.clientAddress;
        try {
          const provider = context.providers.get(id);
          if (provider?.logoutToken == null) {
            throw new ProtocolError("not_found", "There is no provider here that signs people out.");
          }
          const tokens = new URLSearchParams(String(request.body ?? "")).getAll("logout_token");
          const [token] = tokens;
          if (token === undefined || tokens.length > 1) {
            throw new ProtocolError("bad_token", "Send one logout_token.");
          }
          const whom = await provider.logoutToken(token);
          await liveness.end(await signInsOf(context, id, whom), `signed out at the provider ${id}`, address);
          return reply.code(200).send();
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          request.refusedWith = error.code;
          store.audit({ event: "sign-in.refused", address, code: error.code, detail: `logout by ${id}` });
          const status = error.code === "provider_unavailable" ? 503 : 400;
          return reply.code(status).send({ error: "invalid_request", error_description: error.message });
        }
      },
    );
    done();
  };
}

async function signInsOf(
  { store }: ApiContext,
  provider: string,
  { issuer, subject, session }: SignedOutThere,
): Promise<SignInWithAccount[]> {
  if (session !== undefined) return await store.providerSignIns.ofSession(provider, session, subject);
  const identity = subject === undefined ? undefined : await store.identities.find(issuer, subject);
  return identity === undefined ? [] : await store.signIns.byIdentity(identity.id);
}
