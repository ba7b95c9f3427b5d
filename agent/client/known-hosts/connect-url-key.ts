// A link may say which host key its workspace has. Then no other key counts, whatever a gateway publishes. Pure.

import type { Workspace } from "../../../protocol/api.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/** The workspace with that key alone; undefined where its gateway publishes others only. */
export function withOnlyHostKey<W extends Pick<Workspace, "hostKeys">>(
  workspace: W,
  { blob }: SshPublicKey,
): W | undefined {
  const hostKeys = workspace.hostKeys.filter((line) => parsePublicKey(line).blob === blob);
  return hostKeys.length === 0 ? undefined : { ...workspace, hostKeys };
}
