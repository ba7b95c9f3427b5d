// /workspaces with their shares, and /events. A path names a workspace by its name, by name.owner, or by its
// id.

import { Type } from "typebox";
import {
  CreateShare,
  DecideHostKey,
  Share,
  UpdateWorkspace,
  Workspace,
  WorkspaceEvent,
} from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { NameText, WorkspaceRefText } from "../../../protocol/values/fields.ts";
import { parseName, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parseTime } from "../../../protocol/values/time.ts";
import { requireFresh } from "../../identity/browser-session/browser-session.ts";
import { isOwned } from "../../store/workspaces.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn, signedInFresh } from "../sign-in.ts";
import { ownedOrAny, ownedWorkspace } from "./owned-workspace.ts";
import { answerRevoked, REVOKED } from "./revoked.ts";
import { workspaceBody } from "./workspace-body.ts";

const ByRef = Type.Object({ ref: WorkspaceRefText });
const ByRefAndAccount = Type.Object({ ref: WorkspaceRefText, account: NameText });

export function workspaceRoutes(api: Api, context: ApiContext): void {
  const { store, presence, events } = context;
  const connecting = signedIn(context, "connect");
  const managing = signedIn(context, "account");

  api.get(
    "/workspaces",
    {
      onRequest: connecting,
      schema: described(
        "workspaces",
        "listWorkspaces",
        "List your own workspaces and those shared with you.",
        {
          200: Type.Array(Workspace),
        },
      ),
    },
    async (request) => {
      const { id } = identityOf(request).account;
      return (await store.workspaces.list(id)).map((found) => workspaceBody(found, id, presence));
    },
  );

  api.get(
    "/workspaces/:ref",
    {
      onRequest: connecting,
      schema: {
        ...described("workspaces", "getWorkspace", "Get a workspace.", { 200: Workspace }),
        params: ByRef,
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const found = await store.workspaces.resolve(parseWorkspaceRef(request.params.ref), identity);
      // An accountless workspace belongs to nobody: its id opens it, but the API does not show it.
      if (!isOwned(found)) {
        throw new ProtocolError(
          "workspace_unknown",
          "There is no such workspace, or it is not shared with you.",
        );
      }
      return workspaceBody(found, identity.account.id, presence);
    },
  );

  api.patch(
    "/workspaces/:ref",
    {
      onRequest: managing,
      schema: {
        ...described("workspaces", "renameWorkspace", "Rename a workspace.", { 200: Workspace }),
        params: ByRef,
        body: UpdateWorkspace,
      },
    },
    async (request) => {
      const owned = await ownedWorkspace(context, request, request.params.ref);
      const name = parseName(request.body.name);
      await store.workspaces.rename(owned, name, actorOf(request));
      return workspaceBody({ ...owned, name }, owned.owner.id, presence);
    },
  );

  api.post(
    "/workspaces/:ref/host-key",
    {
      onRequest: managing,
      schema: {
        ...described(
          "workspaces",
          "decideHostKey",
          "Accept or decline a changed host key. The host with an accepted key takes over the workspace when it registers next.",
          { 200: Workspace },
        ),
        params: ByRef,
        body: DecideHostKey,
      },
    },
    async (request) => {
      const { fingerprint, decision } = request.body;
      // Whoever has the key gets the workspace, and what people do in it.
      if (decision === "accept") requireFresh(identityOf(request));
      const owned = await ownedWorkspace(context, request, request.params.ref);
      await store.hostKeyDecisions[decision](owned, fingerprint, actorOf(request));
      const after = await ownedWorkspace(context, request, owned.id);
      return workspaceBody(after, owned.owner.id, presence);
    },
  );

  api.delete(
    "/workspaces/:ref",
    {
      onRequest: managing,
      schema: {
        ...described(
          "workspaces",
          "deleteWorkspace",
          "Delete a workspace. Its host is disconnected. Administrators name it by id.",
          REVOKED,
        ),
        params: ByRef,
      },
    },
    async (request, reply) => {
      const found = await ownedOrAny(context, request, request.params.ref);
      return answerRevoked(reply, await store.workspaces.remove(found, actorOf(request)));
    },
  );

  api.post(
    "/workspaces/:ref/shares",
    {
      // Another account will be able to open the workspace, so the token needs the scope for that, and a browser a fresh session.
      onRequest: signedInFresh(context, "account", "connect"),
      schema: {
        ...described(
          "workspaces",
          "shareWorkspace",
          "Offer a workspace to another account, which can open it once it has accepted.",
          { 201: Share },
        ),
        params: ByRef,
        body: CreateShare,
      },
    },
    async (request, reply) => {
      const owned = await ownedWorkspace(context, request, request.params.ref);
      const account = parseName(request.body.account, "account");
      const { expiresAt } = request.body;
      const end = typeof expiresAt === "string" ? parseTime(expiresAt, "expiresAt") : expiresAt;
      return reply.code(201).send(await store.shares.add(owned, account, actorOf(request), end));
    },
  );

  api.get(
    "/workspaces/:ref/shares",
    {
      onRequest: managing,
      schema: {
        ...described(
          "workspaces",
          "listShares",
          "List the accounts that a workspace is shared with or offered to.",
          {
            200: Type.Array(Share),
          },
        ),
        params: ByRef,
      },
    },
    async (request) => {
      return store.shares.list(await ownedWorkspace(context, request, request.params.ref));
    },
  );

  api.delete(
    "/workspaces/:ref/shares/:account",
    {
      onRequest: managing,
      schema: {
        ...described(
          "workspaces",
          "unshareWorkspace",
          "Stop sharing a workspace with an account. Its connections end.",
          REVOKED,
        ),
        params: ByRefAndAccount,
      },
    },
    async (request, reply) => {
      const account = parseName(request.params.account, "account");
      const owned = await ownedWorkspace(context, request, request.params.ref);
      return answerRevoked(reply, await store.shares.remove(owned, account, actorOf(request)));
    },
  );

  api.get(
    "/events",
    {
      onRequest: connecting,
      schema: described(
        "workspaces",
        "followSessions",
        "Follow changes of workspaces as server-sent events.",
        {
          200: {
            description:
              "First a snapshot, then changes. The event's name is the object's `type`, and its data is the rest of the object.",
            content: { "text/event-stream": { schema: WorkspaceEvent } },
          },
        },
      ),
    },
    (request, reply) => {
      const identity = identityOf(request);
      events.admit(identity);
      reply.hijack();
      events.open(identity, reply.raw);
    },
  );
}
