// Whether a companion's request may have a tunnel: who sent it, which workspace it names, and by which link
// that is reached.

import { ProtocolError } from "../../protocol/errors.ts";
import { WORKSPACE_HEADER } from "../../protocol/values/gateway-url.ts";
import type { AccountId, TokenId } from "../../protocol/values/id.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import { bearerToken, tokenKind } from "../../protocol/values/token.ts";
import type { Directory, WorkspaceRecord } from "../directory.ts";
import { requireUnfrozen } from "../link/frozen.ts";
import type { Link } from "../link/link.ts";
import type { LinkRegistry } from "../link/registry.ts";
import type { Upgrade } from "./upgrade.ts";

/** Who may have a tunnel to which workspace; revocations are matched against it. */
export interface TunnelGrant {
  readonly workspace: WorkspaceRecord;
  readonly accountId: AccountId | null;
  readonly accountName: string | null;
  readonly tokenId: TokenId | null;
  /** When an owner token expires; null for everything else, which is checked again at each new connection. */
  readonly expiresAt: Date | null;
}

/**
 * Decides whether this request may have a tunnel, and to which workspace.
 * @throws ProtocolError, each with the code that the companion shows
 */
export async function authorizeTunnel(
  { request, address }: Pick<Upgrade, "request" | "address">,
  directory: Directory,
): Promise<TunnelGrant> {
  const header = request.headers[WORKSPACE_HEADER];
  if (header === undefined) {
    throw new ProtocolError(
      "bad_request",
      "A tunnel request names its workspace in the Sallyport-Workspace header.",
      {
        field: "workspace",
      },
    );
  }
  const ref = parseWorkspaceRef(header);
  if (request.headers.authorization === undefined) {
    if (ref.kind !== "id") {
      throw new ProtocolError("unauthenticated", "Sign in first: this gateway was sent no access token.");
    }
    const workspace = await directory.resolveWorkspace(ref, null);
    requireUnfrozen(workspace);
    return { workspace, accountId: null, accountName: null, tokenId: null, expiresAt: null };
  }
  const bearer = bearerToken(request.headers.authorization);
  if (bearer === undefined)
    throw new ProtocolError("bad_token", "The Authorization header has no Bearer token.");
  if (tokenKind(bearer) === "spo") {
    const grant = await directory.authenticateOwnerToken(bearer);
    const workspace = await directory.workspace(grant.workspaceId);
    const named =
      workspace !== undefined &&
      (ref.kind === "id"
        ? ref.id === workspace.id
        : ref.name === workspace.name && (ref.owner === undefined || ref.owner === workspace.owner?.name));
    if (!named) throw new ProtocolError("workspace_unknown", "This owner token opens no such workspace.");
    requireUnfrozen(workspace);
    const { tokenId, expiresAt } = grant;
    return { workspace, accountId: null, accountName: null, tokenId, expiresAt };
  }
  const identity = await directory.authenticate(bearer, address);
  if (!identity.scopes.has("connect")) {
    throw new ProtocolError("scope_missing", "This access token cannot connect: it lacks the scope connect.");
  }
  const workspace = await directory.resolveWorkspace(ref, identity);
  requireUnfrozen(workspace);
  return {
    workspace,
    accountId: identity.account.id,
    accountName: identity.account.name,
    tokenId: identity.tokenId,
    expiresAt: null,
  };
}

/**
 * The link that a tunnel uses.
 * @param patience waits for a workspace that was cut off just now, until this is aborted; undefined: does not
 *   wait
 * @param holder the account or address against whose share of the waiting clients this one counts
 * @throws ProtocolError workspace_offline
 */
export async function findTunnelLink(
  grant: TunnelGrant,
  registry: LinkRegistry,
  patience: AbortSignal | undefined,
  holder: string,
): Promise<Link> {
  const link = await registry.findForClient(grant.workspace.id, patience, holder);
  if (link !== undefined) return link;
  throw new ProtocolError(
    "workspace_offline",
    `The workspace ${grant.workspace.name} is offline: no host is registered for it now.`,
  );
}
