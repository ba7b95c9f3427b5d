// The workspace that a route's path names, for routes that only its owner may use, or administrators too.

import type { FastifyRequest } from "fastify";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { requireFresh } from "../../identity/browser-session/browser-session.ts";
import { isOwned, type OwnedWorkspace } from "../../store/workspaces.ts";
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

/**
 * The account's own workspace or, named by its id and for administrators, that of any account.
 * @throws ProtocolError workspace_unknown, forbidden, scope_missing, reauthentication_required
 */
export async function ownedOrAny(
  { store }: ApiContext,
  request: FastifyRequest,
  text: string,
): Promise<OwnedWorkspace> {
  const ref = parseWorkspaceRef(text);
  const identity = identityOf(request);
  if (ref.kind === "id" && identity.scopes.has("admin")) {
    const found = await store.workspaces.get(ref.id);
    if (found !== undefined && isOwned(found)) {
      if (found.owner.id !== identity.account.id) requireFresh(identity);
      return found;
    }
  }
  return await store.workspaces.resolveOwned(ref, identity);
}
