// The workspace that a route's path names, for routes that only its owner may use.

import type { FastifyRequest } from "fastify";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import type { OwnedWorkspace } from "../../store/workspaces.ts";
import type { ApiContext } from "../context.ts";
import { identityOf } from "../sign-in.ts";

/**
 * @param ref a name, name.owner, or an id
 * @throws ProtocolError bad_name, bad_id, workspace_unknown; forbidden: it belongs to another account
 */
export async function ownedWorkspace(
  { store }: ApiContext,
  request: FastifyRequest,
  ref: string,
): Promise<OwnedWorkspace> {
  return store.workspaces.resolveOwned(parseWorkspaceRef(ref), identityOf(request));
}
