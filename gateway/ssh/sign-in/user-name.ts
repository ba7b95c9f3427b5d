// What the SSH user name says: a workspace, perhaps with an owner token behind it (`dev#spo_…`). Anything else names
// nothing, and such a connection can only jump. Pure.

import { ProtocolError } from "../../../protocol/errors.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";

export interface UserName {
  readonly workspace: WorkspaceRef | undefined;
  /** As it was sent: checked where it is used. A secret. */
  readonly token: string | undefined;
}

/** A name, an owner's name and a token fit well within. */
export const MAX_USER_NAME = 256;

export function parseUserName(text: string): UserName {
  if (text.length > MAX_USER_NAME) return { workspace: undefined, token: undefined };
  const hash = text.indexOf("#");
  const name = hash === -1 ? text : text.slice(0, hash);
  return { workspace: referenceIn(name), token: hash === -1 ? undefined : text.slice(hash + 1) };
}

function referenceIn(text: string): WorkspaceRef | undefined {
  try {
    return parseWorkspaceRef(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}
