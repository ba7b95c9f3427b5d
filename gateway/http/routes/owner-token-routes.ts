// /workspaces/…/owner-tokens: secrets that open one workspace each; for its owner.

import { Type } from "typebox";
import {
  CreatedOwnerToken,
  CreateOwnerToken,
  DEFAULT_OWNER_TOKEN_SECONDS,
  OwnerTokenInfo,
} from "../../../protocol/api.ts";
import { TokenIdText, WorkspaceRefText } from "../../../protocol/values/fields.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn } from "../sign-in.ts";
import { answerTakenBack, TAKEN_BACK } from "./taken-back.ts";

const ByRef = Type.Object({ ref: WorkspaceRefText });
const ByRefAndToken = Type.Object({ ref: WorkspaceRefText, tokenId: TokenIdText });

export function ownerTokenRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const onRequest = signedIn(context, "account");

  api.post(
    "/workspaces/:ref/owner-tokens",
    {
      // It opens a workspace, so the token that makes it must be one that may.
      onRequest: signedIn(context, "account", "connect"),
      schema: {
        ...described(
          "owner-tokens",
          "createOwnerToken",
          "Mint an owner token; the only answer that shows it.",
          {
            201: CreatedOwnerToken,
          },
        ),
        params: ByRef,
        body: CreateOwnerToken,
      },
    },
    async (request, reply) => {
      const ref = parseWorkspaceRef(request.params.ref);
      const identity = identityOf(request);
      const owned = await store.workspaces.resolveOwned(ref, identity);
      const seconds = request.body.expiresIn ?? DEFAULT_OWNER_TOKEN_SECONDS;
      const made = await store.ownerTokens.create(owned, seconds, actorOf(request), identity.tokenId);
      return reply.code(201).send(made);
    },
  );

  api.get(
    "/workspaces/:ref/owner-tokens",
    {
      onRequest,
      schema: {
        ...described("owner-tokens", "listOwnerTokens", "Owner tokens that still open the workspace.", {
          200: Type.Array(OwnerTokenInfo),
        }),
        params: ByRef,
      },
    },
    async (request) => {
      const ref = parseWorkspaceRef(request.params.ref);
      return store.ownerTokens.list(await store.workspaces.resolveOwned(ref, identityOf(request)));
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
          "Revoke an owner token; open tunnels end.",
          TAKEN_BACK,
        ),
        params: ByRefAndToken,
      },
    },
    async (request, reply) => {
      const ref = parseWorkspaceRef(request.params.ref);
      const id = parseTokenId(request.params.tokenId, "tokenId");
      const owned = await store.workspaces.resolveOwned(ref, identityOf(request));
      return answerTakenBack(reply, await store.ownerTokens.revoke(owned, id, actorOf(request)));
    },
  );
}
