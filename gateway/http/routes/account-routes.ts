// /accounts, for administrators: the token needs the scope `admin`.

import { Type } from "typebox";
import {
  Account,
  CreateAccessToken,
  CreateAccount,
  CreatedAccessToken,
  UpdateAccount,
} from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { AccountIdText } from "../../../protocol/values/fields.ts";
import { parseAccountId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { accountBody } from "../../store/accounts.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { newToken, requireGrantable } from "./token-routes.ts";

const ById = Type.Object({ id: AccountIdText });

export function accountRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "admin");
  const onChange = signedInFresh(context, "admin");

  api.post(
    "/accounts",
    {
      onRequest: onChange,
      schema: {
        ...described("accounts", "createAccount", "Create an account.", { 201: Account }),
        body: CreateAccount,
      },
    },
    async (request, reply) => {
      const { name, admin = false } = request.body;
      const row = await store.accounts.create(parseName(name), admin, actorOf(request));
      return reply.code(201).send(accountBody(row));
    },
  );

  api.get(
    "/accounts",
    {
      onRequest,
      schema: described("accounts", "listAccounts", "List all accounts.", { 200: Type.Array(Account) }),
    },
    async () => (await store.accounts.list()).map(accountBody),
  );

  api.patch(
    "/accounts/:id",
    {
      onRequest: onChange,
      schema: {
        ...described("accounts", "updateAccount", "Disable or enable an account. It takes effect at once.", {
          200: Account,
          202: Account,
        }),
        params: ById,
        body: UpdateAccount,
      },
    },
    async (request, reply) => {
      const id = parseAccountId(request.params.id);
      const row = await store.accounts.setDisabled(id, request.body.disabled, actorOf(request));
      return reply.code(row.durability === "written" ? 200 : 202).send(accountBody(row));
    },
  );

  api.post(
    "/accounts/:id/tokens",
    {
      onRequest: onChange,
      schema: {
        ...described("accounts", "createAccountToken", "Create an access token for an account.", {
          201: CreatedAccessToken,
        }),
        params: ById,
        body: CreateAccessToken,
      },
    },
    async (request, reply) => {
      const account = await store.accounts.get(parseAccountId(request.params.id));
      if (account === undefined) throw new ProtocolError("not_found", "There is no such account.");
      if (account.disabled === 1) throw new ProtocolError("account_disabled", "This account is disabled.");
      const identity = identityOf(request);
      requireGrantable(request.body.scopes, identity, account.admin === 1);
      const wanted = newToken(request.body, identity, account.id);
      return reply.code(201).send(await store.tokens.create(wanted, actorOf(request)));
    },
  );
}
