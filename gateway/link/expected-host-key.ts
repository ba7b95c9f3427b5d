// Whether a host that comes under a workspace's name is the workspace's.

import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { WorkspaceRecord } from "../directory.ts";

/** The workspace is known by this key, or its owner has accepted it. `hostKey`: the first of the host's, which has signed. */
export function isExpected(
  { hostKeys, acceptedHostKey }: Pick<WorkspaceRecord, "hostKeys" | "acceptedHostKey">,
  hostKey: string | undefined,
): boolean {
  if (hostKey === undefined) return false;
  return hostKeys[0] === hostKey || acceptedHostKey === parsePublicKey(hostKey).fingerprint;
}
