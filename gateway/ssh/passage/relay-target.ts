// The host that a relayed connection goes to: a workspace's, or that of an upterm session.

import { formatWorkspaceRef } from "../../../protocol/values/name.ts";
import type { Link } from "../../link/link.ts";
import { type ReachedWorkspace, reachedWorkspace } from "../../open-connections.ts";
import type { SignedIn } from "../sign-in/sign-in.ts";
import { parseUserName } from "../sign-in/user-name.ts";

export interface RelayTarget {
  readonly link: Link;
  /** null: an upterm session. */
  readonly reached: ReachedWorkspace | null;
  /** The user name to sign in with at the host. It never contains a token. */
  readonly userName: string;
  readonly endToEndOnly: boolean;
}

/** undefined: the user name names neither a workspace nor an upterm session. */
export function relayTargetOf({ principal, target }: SignedIn): RelayTarget | undefined {
  if (principal.kind === "upterm") {
    const { link, userName } = principal.session;
    return { link, reached: null, userName, endToEndOnly: false };
  }
  if (target === undefined) return undefined;
  const { link, workspace } = target;
  const { name, endToEndOnly } = workspace;
  return { link, reached: reachedWorkspace(workspace, link), userName: name, endToEndOnly };
}

/**
 * Tells the client of a workspace that takes end-to-end connections only how to connect instead.
 * @param userName as the client sent it
 */
export function endToEndAdvice(target: RelayTarget, userName: string, jumpHost: string): string {
  const { workspace } = parseUserName(userName);
  const name = workspace === undefined ? target.userName : formatWorkspaceRef(workspace);
  return `${name} takes end-to-end connections only: ssh -J ${jumpHost} ${name}`;
}
