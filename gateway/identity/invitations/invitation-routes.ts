// /invitations: one-use links, made, listed and taken back by administrators.

import { Type } from "typebox";
import { SCOPES } from "../../../protocol/api.ts";
import { CreatedInvitation, CreateInvitation, InvitationInfo } from "../../../protocol/sign-in/api.ts";
import { InvitationIdText } from "../../../protocol/values/fields.ts";
import { parseInvitationId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import type { Api, ApiContext } from "../../http/context.ts";
import { described, Nothing } from "../../http/openapi.ts";
import { actorOf, identityOf, requireScope, signedIn, signedInFresh } from "../../http/sign-in.ts";
import { linkOf } from "./opened.ts";

const DEFAULT_SECONDS = 48 * 3_600;

export function invitationRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onChange = signedInFresh(context, "admin");

  api.post(
    "/invitations",
    {
      onRequest: onChange,
      schema: {
        ...described("sign-in", "createInvitation", "Make a one-use link. Only this answer shows it.", {
          201: CreatedInvitation,
        }),
        body: CreateInvitation,
      },
    },
    async (request, reply) => {
      const { kind, name, admin = false, expiresIn = DEFAULT_SECONDS } = request.body;
      const identity = identityOf(request);
      // What a link gives can do all that its account may do, and a token never gives more than it has.
      for (const scope of SCOPES) requireScope(identity, scope);
      const { code, info } = await store.invitations.create(
        {
          kind,
          name: name === undefined ? undefined : parseName(name),
          admin,
          expiresInSeconds: expiresIn,
          creator: { id: identity.account.id, token: identity.mintsUnder },
        },
        actorOf(request),
      );
      return reply.code(201).send({ link: linkOf(context.publicUrl(), code), info });
    },
  );

  api.get(
    "/invitations",
    {
      onRequest: signedIn(context, "admin"),
      schema: described("sign-in", "listInvitations", "List one-use links, without their codes.", {
        200: Type.Array(InvitationInfo),
      }),
    },
    async () => await store.invitations.list(),
  );

  api.delete(
    "/invitations/:id",
    {
      onRequest: onChange,
      schema: {
        ...described("sign-in", "removeInvitation", "Take a one-use link back.", { 204: Nothing }),
        params: Type.Object({ id: InvitationIdText }),
      },
    },
    async (request, reply) => {
      await store.invitations.remove(parseInvitationId(request.params.id), actorOf(request));
      return reply.code(204).send(null);
    },
  );
}
