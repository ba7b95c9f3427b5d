// A workspace that was registered without an account. Anyone with its id and its host key reaches it, through the
// tunnel, with a key that its host allows. No gateway lists it, so its entry is made from the connect URL. Pure.

import type { Workspace } from "../../../protocol/api.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { withPublishedKeys } from "../known-hosts/managed-known-hosts.ts";
import type { Managed } from "../ssh-config/apply.ts";
import { type Desired, desiredConfig } from "../ssh-config/desired-config.ts";
import type { BlockPlace } from "../ssh-config/host-block.ts";
import { withSections } from "../ssh-config/managed-config.ts";

export interface AccountlessWorkspace {
  readonly gateway: GatewayUrl;
  readonly id: WorkspaceId;
  readonly hostKey: SshPublicKey;
}

/** A name from a part of the id: enough to tell two workspaces apart, too little to reach one. */
export function accountlessName(id: WorkspaceId): string {
  return `open-${id.slice(3, 11)}`;
}

/** Adds the workspace's block to the managed config; all other blocks stay as they are. */
export function withAccountlessWorkspace(
  now: Managed,
  { gateway, id, hostKey }: AccountlessWorkspace,
  { place, launcher }: { readonly place: BlockPlace; readonly launcher: string },
): Desired {
  const workspace: Workspace = {
    id,
    name: accountlessName(id),
    owner: "nobody",
    mine: true,
    online: true,
    clients: 0,
    endToEndOnly: true,
    hostKeys: [`${hostKey.type} ${hostKey.blob}`],
    createdAt: new Date(0).toISOString(),
    lastSeenAt: null,
  };
  const listing = { gateway, account: "sallyport", workspaces: [workspace], ssh: null, hostKeys: [] };
  const nothing: Managed = { sections: [], knownHosts: "" };
  const alone = desiredConfig(nothing, [listing], { place, launcher, transport: "tunnel" });
  const sections = withSections(now.sections, alone.managed.sections);
  const keys = new Map(alone.aliases.map(({ alias }) => [alias, [hostKey]] as const));
  const knownHosts = withPublishedKeys(
    now.knownHosts,
    sections.map(({ alias }) => alias),
    keys,
  );
  return { ...alone, managed: { sections, knownHosts } };
}
