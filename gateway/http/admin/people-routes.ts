// /people: the accounts with what administrators have to know of them, and what they can take away.

import { Type } from "typebox";
import { People, PeopleQuery, SignInOfPerson, UpdatePerson } from "../../../protocol/admin-api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { Person, PersonById, SignInInfo } from "../../../protocol/sign-in/api.ts";
import { parseAccountId, parseTokenId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../context.ts";
import { described, Nothing } from "../openapi.ts";
import { answerRevoked, REVOKED } from "../routes/revoked.ts";
import { actorOf, signedIn, signedInFresh } from "../sign-in.ts";

export function peopleRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "admin");
  const onChange = signedInFresh(context, "admin");

  api.get(
    "/people",
    {
      onRequest,
      schema: {
        ...described("people", "listPeople", "List people by name.", { 200: People }),
        querystring: PeopleQuery,
      },
    },
    async (request) => {
      const { limit = 100, ...wanted } = request.query;
      return await store.people.list({ limit, ...wanted });
    },
  );

  api.get(
    "/people/:id",
    {
      onRequest,
      schema: { ...described("people", "getPerson", "Get a person.", { 200: Person }), params: PersonById },
    },
    async (request) => store.people.get(parseAccountId(request.params.id)),
  );

  api.patch(
    "/people/:id",
    {
      onRequest: onChange,
      schema: {
        ...described(
          "people",
          "updatePerson",
          "Disable or enable a person, or change whether they are an administrator. It takes effect at once.",
          { 200: Person, 202: Person },
        ),
        params: PersonById,
        body: UpdatePerson,
      },
    },
    async (request, reply) => {
      const id = parseAccountId(request.params.id);
      const { admin, disabled } = request.body;
      const actor = actorOf(request);
      if (admin !== undefined) await store.accounts.setAdmin(id, admin, actor);
      const durability =
        disabled === undefined
          ? "written"
          : (await store.accounts.setDisabled(id, disabled, actor)).durability;
      return reply.code(durability === "written" ? 200 : 202).send(await store.people.get(id));
    },
  );

  api.post(
    "/people/:id/freeze",
    {
      onRequest: onChange,
      schema: {
        ...described(
          "people",
          "freezePerson",
          "Disable a person and sign them out everywhere. All that they have open ends.",
          REVOKED,
        ),
        params: PersonById,
      },
    },
    async (request, reply) => {
      const id = parseAccountId(request.params.id);
      return answerRevoked(reply, await store.freezing.person(id, actorOf(request)));
    },
  );

  api.post(
    "/people/:id/unfreeze",
    {
      onRequest: onChange,
      schema: {
        ...described("people", "unfreezePerson", "Enable a person again. They have to sign in again.", {
          204: Nothing,
        }),
        params: PersonById,
      },
    },
    async (request, reply) => {
      await store.accounts.setDisabled(parseAccountId(request.params.id), false, actorOf(request));
      return reply.code(204).send(null);
    },
  );

  api.get(
    "/people/:id/sign-ins",
    {
      onRequest,
      schema: {
        ...described(
          "people",
          "listSignInsOfPerson",
          "List the browsers and programs that a person is signed in with.",
          { 200: Type.Array(SignInInfo) },
        ),
        params: PersonById,
      },
    },
    async (request) => {
      const { id } = await store.people.get(parseAccountId(request.params.id));
      return await store.signIns.list(parseAccountId(id));
    },
  );

  api.delete(
    "/people/:id/sign-ins/:signIn",
    {
      onRequest: onChange,
      schema: {
        ...described(
          "people",
          "endSignInOfPerson",
          "Sign a browser or program of a person out. All that it opened ends.",
          REVOKED,
        ),
        params: SignInOfPerson,
      },
    },
    async (request, reply) => {
      const accountId = parseAccountId(request.params.id);
      const id = parseTokenId(request.params.signIn);
      const row = await store.signIns.row(id);
      if (row === undefined || row.account_id !== accountId) {
        throw new ProtocolError("not_found", "There is no such sign-in.");
      }
      return answerRevoked(reply, await store.tokens.revoke(accountId, id, actorOf(request)));
    },
  );
}
