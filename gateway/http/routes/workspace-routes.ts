// /workspaces with their shares, and /events. A workspace is given by its name, by name.owner, or by its id.

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
import { isOwned } from "../../store/workspaces.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { actorOf, identityOf, signedIn } from "../sign-in.ts";
import { answerTakenBack, TAKEN_BACK } from "./taken-back.ts";
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
      schema: described("workspaces", "listWorkspaces", "List own workspaces and those shared with you.", {
        200: Type.Array(Workspace),
      }),
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
        ...described("workspaces", "getWorkspace", "One workspace.", { 200: Workspace }),
        params: ByRef,
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const found = await store.workspaces.resolve(parseWorkspaceRef(request.params.ref), identity);
      // An account-less workspace is nobody's: it is reached by its id, and not listed or shown.
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
      const identity = identityOf(request);
      const owned = await store.workspaces.resolveOwned(parseWorkspaceRef(request.params.ref), identity);
      const name = parseName(request.body.name);
      await store.workspaces.rename(owned, name, actorOf(request));
      return workspaceBody({ ...owned, name }, identity.account.id, presence);
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
          "Accept or decline a changed host key: an accepted one takes the workspace over when its host comes next.",
          { 200: Workspace },
        ),
        params: ByRef,
        body: DecideHostKey,
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const ref = parseWorkspaceRef(request.params.ref);
      const owned = await store.workspaces.resolveOwned(ref, identity);
      const { fingerprint, decision } = request.body;
      await store.hostKeyDecisions[decision](owned, fingerprint, actorOf(request));
      const after = await store.workspaces.resolveOwned({ kind: "id", id: owned.id }, identity);
      return workspaceBody(after, identity.account.id, presence);
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
          "Delete a workspace; its host is disconnected.",
          TAKEN_BACK,
        ),
        params: ByRef,
      },
    },
    async (request, reply) => {
      const ref = parseWorkspaceRef(request.params.ref);
      const owned = await store.workspaces.resolveOwned(ref, identityOf(request));
      return answerTakenBack(reply, await store.workspaces.remove(owned, actorOf(request)));
    },
  );

  api.post(
    "/workspaces/:ref/shares",
    {
      // It opens a workspace to others, so the token that does it must be one that may.
      onRequest: signedIn(context, "account", "connect"),
      schema: {
        ...described(
          "workspaces",
          "shareWorkspace",
          "Offer a workspace to another account, which reaches it once it accepts.",
          {
            201: Share,
          },
        ),
        params: ByRef,
        body: CreateShare,
      },
    },
    async (request, reply) => {
      const ref = parseWorkspaceRef(request.params.ref);
      const owned = await store.workspaces.resolveOwned(ref, identityOf(request));
      const account = parseName(request.body.account, "account");
      return reply.code(201).send(await store.shares.add(owned, account, actorOf(request)));
    },
  );

  api.get(
    "/workspaces/:ref/shares",
    {
      onRequest: managing,
      schema: {
        ...described("workspaces", "listShares", "Whom a workspace is shared with.", {
          200: Type.Array(Share),
        }),
        params: ByRef,
      },
    },
    async (request) => {
      const ref = parseWorkspaceRef(request.params.ref);
      return store.shares.list(await store.workspaces.resolveOwned(ref, identityOf(request)));
    },
  );

  api.delete(
    "/workspaces/:ref/shares/:account",
    {
      onRequest: managing,
      schema: {
        ...described("workspaces", "unshareWorkspace", "Stop sharing; open tunnels end.", TAKEN_BACK),
        params: ByRefAndAccount,
      },
    },
    async (request, reply) => {
      const ref = parseWorkspaceRef(request.params.ref);
      const account = parseName(request.params.account, "account");
      const owned = await store.workspaces.resolveOwned(ref, identityOf(request));
      return answerTakenBack(reply, await store.shares.remove(owned, account, actorOf(request)));
    },
  );

  api.get(
    "/events",
    {
      onRequest: connecting,
      schema: described("workspaces", "followSessions", "Session changes as server-sent events.", {
        200: {
          description: "First a snapshot, then changes; each event's data is the rest of its object.",
          content: { "text/event-stream": { schema: WorkspaceEvent } },
        },
      }),
    },
    (request, reply) => {
      const identity = identityOf(request);
      events.admit(identity);
      reply.hijack();
      events.open(identity, reply.raw);
    },
  );
}
