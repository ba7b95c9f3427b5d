// Parses the SSH user name: a workspace, optionally with an owner token behind it (`dev#spo_…`). With any
// other name a connection can only jump. Pure.

import { ProtocolError } from "../../../protocol/errors.ts";
import { parseWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";

export interface UserName {
  readonly workspace: WorkspaceRef | undefined;
  /** As the client sent it, unchecked. A secret. */
  readonly token: string | undefined;
}

/** More than enough for a workspace's name, its owner's name and a token. */
const MAX_USER_NAME = 256;

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
