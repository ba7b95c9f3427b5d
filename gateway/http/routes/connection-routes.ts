// /workspaces/REF/connections: who is connected to a workspace now. Its owner sees all and ends any; an account that it is
// shared with sees and ends its own.

import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type ConnectionInfo, Connections } from "../../../protocol/admin-api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { ConnectionIdText, WorkspaceRefText } from "../../../protocol/values/fields.ts";
import { clientAddressText } from "../../../protocol/values/host-name.ts";
import { parseConnectionId } from "../../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import type { StreamsOf } from "../../open-connections.ts";
import { isOwned } from "../../store/workspaces.ts";
import type { Api, ApiContext } from "../context.ts";
import { described, Nothing } from "../openapi.ts";
import { actorOf, identityOf, signedIn } from "../sign-in.ts";

const ByRef = Type.Object({ ref: WorkspaceRefText });
const ById = Type.Object({ ref: WorkspaceRefText, id: ConnectionIdText });

export function connectionRoutes(api: Api, context: ApiContext): void {
  const { store, connections } = context;

  api.get(
    "/workspaces/:ref/connections",
    {
      onRequest: signedIn(context, "connect"),
      schema: {
        ...described("workspaces", "listConnections", "List who is connected to a workspace now.", {
          200: Connections,
        }),
        params: ByRef,
      },
    },
    async (request) => {
      const { account } = identityOf(request);
      const found = await connections.list(await visibleStreams(context, request, request.params.ref));
      const ids = new Set(found.connections.flatMap(({ accountId }) => accountId ?? []));
      const names = await store.accounts.names(ids);
      return {
        connections: found.connections.map((stream): ConnectionInfo => {
          const { id, how, accountId, tokenId, key, address, since } = stream;
          return {
            id,
            how,
            account: accountId === null ? null : (names.get(accountId) ?? null),
            mine: accountId === account.id,
            token: tokenId,
            key,
            address: clientAddressText(address),
            since: new Date(since).toISOString(),
          };
        }),
        more: found.more,
      };
    },
  );

  api.delete(
    "/workspaces/:ref/connections/:id",
    {
      onRequest: signedIn(context, "account", "connect"),
      schema: {
        ...described(
          "workspaces",
          "endConnection",
          "End a connection to a workspace. Its client may connect again, as long as it has access.",
          { 204: Nothing },
        ),
        params: ById,
      },
    },
    async (request, reply) => {
      const streams = await visibleStreams(context, request, request.params.ref);
      const how = await connections.end(streams, parseConnectionId(request.params.id));
      if (how === undefined) throw new ProtocolError("not_found", "There is no such connection.");
      const { workspaceId: workspace } = streams;
      store.audit({ event: "connection.ended", ...actorOf(request), workspace, detail: how });
      return reply.code(204).send(null);
    },
  );
}

/** @throws ProtocolError workspace_unknown, bad_name, bad_id */
async function visibleStreams(
  { store }: ApiContext,
  request: FastifyRequest,
  ref: string,
): Promise<StreamsOf> {
  const identity = identityOf(request);
  const found = await store.workspaces.resolve(parseWorkspaceRef(ref), identity);
  // An accountless workspace belongs to nobody: who knows its id sees nothing of the others.
  if (!isOwned(found)) {
    throw new ProtocolError("workspace_unknown", "There is no such workspace, or it is not shared with you.");
  }
  const isOwner = found.owner.id === identity.account.id;
  return { workspaceId: found.id, accountId: isOwner ? null : identity.account.id };
}
