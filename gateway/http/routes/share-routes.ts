// /shares: what other accounts share with the asking one, or offer to it.

import { Type } from "typebox";
import { SharedWithMe } from "../../../protocol/api.ts";
import { WorkspaceIdText } from "../../../protocol/values/fields.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../context.ts";
import { described, Nothing } from "../openapi.ts";
import { actorOf, identityOf, signedIn } from "../sign-in.ts";
import { answerTakenBack, TAKEN_BACK } from "./taken-back.ts";

const ById = Type.Object({ id: WorkspaceIdText });

export function shareRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const managing = signedIn(context, "account");

  api.get(
    "/shares",
    {
      onRequest: signedIn(context, "connect"),
      schema: described(
        "shares",
        "listSharedWithMe",
        "What is shared with you, and what is offered to you.",
        {
          200: Type.Array(SharedWithMe),
        },
      ),
    },
    async (request) => store.shares.with(identityOf(request).account.id),
  );

  api.post(
    "/shares/:id/accept",
    {
      onRequest: signedIn(context, "account", "connect"),
      schema: {
        ...described("shares", "acceptShare", "Accept a workspace that is offered to you.", { 204: Nothing }),
        params: ById,
      },
    },
    async (request, reply) => {
      const id = parseWorkspaceId(request.params.id);
      await store.shares.accept(id, identityOf(request).account.id, actorOf(request));
      return reply.code(204).send(null);
    },
  );

  api.delete(
    "/shares/:id",
    {
      onRequest: managing,
      schema: {
        ...described(
          "shares",
          "leaveShare",
          "Decline an offer, or leave a workspace; open tunnels end.",
          TAKEN_BACK,
        ),
        params: ById,
      },
    },
    async (request, reply) => {
      const id = parseWorkspaceId(request.params.id);
      const { account } = identityOf(request);
      return answerTakenBack(reply, await store.shares.leave(id, account.id, actorOf(request)));
    },
  );
}
