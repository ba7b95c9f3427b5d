// Freezing and unfreezing a workspace or a key. Freezing is quick: it needs no more than deleting does. Unfreezing opens
// something again, so a browser session must be fresh for it.

import { Type } from "typebox";
import { KeyIdText, WorkspaceRefText } from "../../../protocol/values/fields.ts";
import { parseKeyId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../context.ts";
import { described, Nothing } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { ownedOrAny } from "./owned-workspace.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";

const ByRef = Type.Object({ ref: WorkspaceRefText });
const ByKey = Type.Object({ id: KeyIdText });

export function freezeRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const managing = signedIn(context, "account");
  const fresh = signedInFresh(context, "account");

  api.post(
    "/workspaces/:ref/freeze",
    {
      onRequest: managing,
      schema: {
        ...described(
          "workspaces",
          "freezeWorkspace",
          "Freeze a workspace: its host and all connections to it are cut, and nobody reaches it. Administrators name it by id.",
          REVOKED,
        ),
        params: ByRef,
      },
    },
    async (request, reply) => {
      const found = await ownedOrAny(context, request, request.params.ref);
      return answerRevoked(reply, await store.freezing.workspace(found, actorOf(request)));
    },
  );

  api.post(
    "/workspaces/:ref/unfreeze",
    {
      onRequest: fresh,
      schema: {
        ...described(
          "workspaces",
          "unfreezeWorkspace",
          "Unfreeze a workspace. Its host comes back by itself.",
          {
            204: Nothing,
          },
        ),
        params: ByRef,
      },
    },
    async (request, reply) => {
      const found = await ownedOrAny(context, request, request.params.ref);
      await store.freezing.unfreezeWorkspace(found, actorOf(request));
      return reply.code(204).send(null);
    },
  );

  api.post(
    "/keys/:id/freeze",
    {
      onRequest: managing,
      schema: {
        ...described("keys", "freezeKey", "Freeze an SSH public key. What it opened ends.", REVOKED),
        params: ByKey,
      },
    },
    async (request, reply) => {
      const { account } = identityOf(request);
      const id = parseKeyId(request.params.id);
      return answerRevoked(reply, await store.freezing.key(account.id, id, actorOf(request)));
    },
  );

  api.post(
    "/keys/:id/unfreeze",
    {
      onRequest: fresh,
      schema: {
        ...described("keys", "unfreezeKey", "Unfreeze an SSH public key.", { 204: Nothing }),
        params: ByKey,
      },
    },
    async (request, reply) => {
      const { account } = identityOf(request);
      await store.freezing.unfreezeKey(account.id, parseKeyId(request.params.id), actorOf(request));
      return reply.code(204).send(null);
    },
  );
}
