// /workspaces/…/owner-tokens, for the owner of a workspace: secrets that each open one workspace.

import { Type } from "typebox";
import {
  CreatedOwnerToken,
  CreateOwnerToken,
  DEFAULT_OWNER_TOKEN_SECONDS,
  OwnerTokenInfo,
} from "../../../protocol/api.ts";
import { TokenIdText, WorkspaceRefText } from "../../../protocol/values/fields.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { ownedWorkspace } from "./owned-workspace.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";

const ByRef = Type.Object({ ref: WorkspaceRefText });
const ByRefAndToken = Type.Object({ ref: WorkspaceRefText, tokenId: TokenIdText });

export function ownerTokenRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "account");

  api.post(
    "/workspaces/:ref/owner-tokens",
    {
      // The owner token will open a workspace, so the access token needs the scope for that.
      onRequest: signedInFresh(context, "account", "connect"),
      schema: {
        ...described(
          "owner-tokens",
          "createOwnerToken",
          "Create an owner token. Only this answer shows the secret.",
          { 201: CreatedOwnerToken },
        ),
        params: ByRef,
        body: CreateOwnerToken,
      },
    },
    async (request, reply) => {
      const owned = await ownedWorkspace(context, request, request.params.ref);
      const seconds = request.body.expiresIn ?? DEFAULT_OWNER_TOKEN_SECONDS;
      const made = await store.ownerTokens.create(
        owned,
        seconds,
        actorOf(request),
        identityOf(request).mintsUnder,
      );
      return reply.code(201).send(made);
    },
  );

  api.get(
    "/workspaces/:ref/owner-tokens",
    {
      onRequest,
      schema: {
        ...described(
          "owner-tokens",
          "listOwnerTokens",
          "List the owner tokens that still open the workspace.",
          {
            200: Type.Array(OwnerTokenInfo),
          },
        ),
        params: ByRef,
      },
    },
    async (request) => {
      return store.ownerTokens.list(await ownedWorkspace(context, request, request.params.ref));
    },
  );

  api.delete(
    "/workspaces/:ref/owner-tokens/:tokenId",
    {
      onRequest,
      schema: {
        ...described(
          "owner-tokens",
          "revokeOwnerToken",
          "Revoke an owner token. The connections that it opened end.",
          REVOKED,
        ),
        params: ByRefAndToken,
      },
    },
    async (request, reply) => {
      const id = parseTokenId(request.params.tokenId, "tokenId");
      const owned = await ownedWorkspace(context, request, request.params.ref);
      return answerRevoked(reply, await store.ownerTokens.revoke(owned, id, actorOf(request)));
    },
  );
}
