// /admin: all workspaces, and the gateway itself: its health as it sees it, and the options that it was started with.

import { AdminHealth, AdminWorkspaces, AdminWorkspacesQuery, Settings } from "../../../protocol/admin-api.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import type { Api, ApiContext } from "../context.ts";
import { described } from "../openapi.ts";
import { signedIn } from "../sign-in.ts";
import { healthOf } from "./health.ts";

export function gatewayRoutes(api: Api, context: ApiContext): void {
  const { store, presence } = context;
  const onRequest = signedIn(context, "admin");

  api.get(
    "/admin/workspaces",
    {
      onRequest,
      schema: {
        ...described("administration", "listAllWorkspaces", "List the workspaces of all accounts by name.", {
          200: AdminWorkspaces,
        }),
        querystring: AdminWorkspacesQuery,
      },
    },
    async (request) => {
      const { limit = 100, owner, ...wanted } = request.query;
      const found = await store.allWorkspaces.list({
        limit,
        ...wanted,
        owner: owner === undefined ? undefined : parseName(owner, "owner"),
      });
      const workspaces = found.workspaces.map((stored) => {
        const online = presence.online(parseWorkspaceId(stored.id));
        return { ...stored, online: online !== undefined, clients: online?.clients ?? 0 };
      });
      return { ...found, workspaces };
    },
  );

  api.get(
    "/admin/health",
    {
      onRequest,
      schema: described(
        "administration",
        "getHealth",
        "Get the gateway's health, and this request as the gateway sees it.",
        { 200: AdminHealth },
      ),
    },
    async (request) => healthOf(context, request),
  );

  api.get(
    "/admin/settings",
    {
      onRequest,
      schema: described(
        "administration",
        "getSettings",
        "Get the options that the gateway was started with. They have no secrets.",
        { 200: Settings },
      ),
    },
    async () => ({ settings: [...context.operation.options.settings] }),
  );
}
