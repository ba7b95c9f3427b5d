// /shares: workspaces that other accounts share with the account of the token or offer to it, and those that it shares.

import { Type } from "typebox";
import { GivenShare, SharedWithMe } from "../../../protocol/api.ts";
import { WorkspaceIdText } from "../../../protocol/values/fields.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../context.ts";
import { described, Nothing } from "../openapi.ts";
import { actorOf, identityOf, signedIn } from "../sign-in.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";

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
        "List the workspaces that are shared with you or offered to you.",
        { 200: Type.Array(SharedWithMe) },
      ),
    },
    async (request) => store.shares.with(identityOf(request).account.id),
  );

  api.get(
    "/shares/given",
    {
      onRequest: managing,
      schema: described("shares", "listGivenShares", "List with whom you share workspaces.", {
        200: Type.Array(GivenShare),
      }),
    },
    async (request) => store.shares.by(identityOf(request).account.id),
  );

  api.post(
    "/shares/:id/accept",
    {
      onRequest: signedIn(context, "account", "connect"),
      schema: {
        ...described("shares", "acceptShare", "Accept the offer of a workspace.", { 204: Nothing }),
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
          "Decline an offer, or leave a shared workspace. Connections to it end.",
          REVOKED,
        ),
        params: ById,
      },
    },
    async (request, reply) => {
      const id = parseWorkspaceId(request.params.id);
      const { account } = identityOf(request);
      return answerRevoked(reply, await store.shares.leave(id, account.id, actorOf(request)));
    },
  );
}
