// A connect URL may name the host key of its workspace. Then only this key counts, whatever the gateway publishes. Pure.

import type { Workspace } from "../../../protocol/api.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/** The workspace with this key alone; undefined if its gateway does not publish this key. */
export function withOnlyHostKey<W extends Pick<Workspace, "hostKeys">>(
  workspace: W,
  { blob }: SshPublicKey,
): W | undefined {
  const hostKeys = workspace.hostKeys.filter((line) => parsePublicKey(line).blob === blob);
  return hostKeys.length === 0 ? undefined : { ...workspace, hostKeys };
}
