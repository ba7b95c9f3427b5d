// Whether a host that registers as a workspace has the workspace's host key.

import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { WorkspaceRecord } from "../directory.ts";

/**
 * Whether the workspace is known by this key, or its owner has accepted it.
 * @param hostKey the host's first key, which signed the registration
 */
export function isExpected(
  { hostKeys, acceptedHostKey }: Pick<WorkspaceRecord, "hostKeys" | "acceptedHostKey">,
  hostKey: string | undefined,
): boolean {
  if (hostKey === undefined) return false;
  return hostKeys[0] === hostKey || acceptedHostKey === parsePublicKey(hostKey).fingerprint;
}
