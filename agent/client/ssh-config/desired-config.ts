// What the managed SSH config should contain, from the gateways' lists: aliases, transports, and host keys to trust. Used by
// the extension and `sallyport config-ssh`. Pure.

import type { Discovery, Workspace } from "../../../protocol/api.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceId, type WorkspaceId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import {
  type ChangedKeys,
  changedKeys,
  pinnedIfAny,
  withPublishedKeys,
} from "../known-hosts/managed-known-hosts.ts";
import { type Aliased, assignAliases, gatewayAlias } from "./alias.ts";
import type { Managed } from "./apply.ts";
import {
  type BlockPlace,
  type GatewayBlock,
  gatewaySettings,
  type KeyPins,
  type WorkspaceBlock,
  workspaceSettings,
} from "./host-block.ts";
import { gatewaySection, pinsOf, type Section, workspaceSection } from "./managed-config.ts";
import type { Expectation } from "./person/verify-alias.ts";

/** The answers of one gateway. */
export interface Listing {
  readonly gateway: GatewayUrl;
  /** The name of the person's account, which is the user name in the blocks. */
  readonly account: string;
  readonly workspaces: readonly Workspace[];
  readonly ssh: Discovery["ssh"];
  /** The host keys of the gateway's SSH port, as lines of authorized_keys. */
  readonly hostKeys: readonly string[];
}

export interface DesiredOptions {
  readonly place: BlockPlace;
  readonly launcher: string;
  /** `auto`: as it is now; a new workspace gets direct if the gateway has an SSH port. */
  readonly transport: "auto" | "direct" | "tunnel" | ((workspace: Workspace) => "direct" | "tunnel");
  /** Besides listed gateways, only these keep their sections; undefined: all do. */
  readonly signedInAt?: readonly GatewayUrl[];
  /** undefined, or returning undefined: the pins stay. */
  readonly pins?: (gateway: GatewayUrl) => KeyPins | undefined;
}

export interface Desired {
  readonly managed: Managed;
  /** For the listed workspaces, in the order of the listings. */
  readonly aliases: readonly DesiredAlias[];
  readonly expect: readonly Expectation[];
  readonly changedKeys: readonly ChangedKeys[];
}

interface DesiredAlias {
  readonly gateway: GatewayUrl;
  readonly workspace: Workspace;
  readonly alias: string;
  readonly transport: "direct" | "tunnel";
}

/** Removes workspaces that a listed gateway no longer lists. The sections of other gateways stay. */
export function desiredConfig(now: Managed, listings: readonly Listing[], options: DesiredOptions): Desired {
  const { place, signedInAt } = options;
  const asked = new Set(listings.map(({ gateway }) => gateway));
  const kept = now.sections.filter(
    ({ gateway }) => !asked.has(gateway) && (signedInAt === undefined || signedInAt.includes(gateway)),
  );
  const sections: Section[] = [...kept];
  const aliases: DesiredAlias[] = [];
  const expect: Expectation[] = [];
  const keys = new Map<string, readonly SshPublicKey[]>();
  const targets = listings.map(({ gateway, workspaces }) => workspaces.map((one) => target(gateway, one)));
  const named = assignAliases(
    targets.flat(),
    kept.map(({ alias }) => alias),
  );
  const before = new Map(now.sections.map((section) => [`${section.gateway} ${section.id}`, section]));
  for (const [index, listing] of listings.entries()) {
    const { gateway, ssh } = listing;
    const account = parseName(listing.account, "account");
    const pins = options.pins?.(gateway);
    if (ssh !== null) {
      const old = before.get(`${gateway} -`);
      const block: GatewayBlock = {
        gateway,
        alias: gatewayAlias(gateway),
        hostName: ssh.host,
        port: ssh.port,
        user: account,
        ...pinned(pins, old),
      };
      sections.push(gatewaySection(block, place));
      expect.push({ alias: block.alias, settings: gatewaySettings(block, place) });
      keys.set(block.alias, publicKeys(listing.hostKeys));
    }
    for (const one of targets[index] ?? []) {
      const { workspace, id } = one;
      const alias = named.get(one) ?? "";
      const old = before.get(`${gateway} ${id}`);
      const transport = chooseTransport(workspace, old, ssh !== null, options.transport);
      const block: WorkspaceBlock = {
        gateway,
        id,
        alias,
        user: account,
        transport:
          transport === "direct"
            ? { kind: "direct", jump: gatewayAlias(gateway) }
            : { kind: "tunnel", launcher: options.launcher },
        ...pinned(pins, old),
      };
      sections.push(workspaceSection(block, place));
      aliases.push({ gateway, workspace, alias, transport });
      expect.push({ alias, settings: workspaceSettings(block, place) });
      keys.set(alias, pinnedIfAny(now.knownHosts, alias, publicKeys(workspace.hostKeys)));
    }
  }
  const knownHosts = withPublishedKeys(
    now.knownHosts,
    sections.map(({ alias }) => alias),
    keys,
  );
  return {
    managed: { sections, knownHosts },
    aliases,
    expect,
    changedKeys: changedKeys(now.knownHosts, keys),
  };
}

interface Target extends Aliased {
  readonly workspace: Workspace;
}

function target(gateway: GatewayUrl, workspace: Workspace): Target {
  const id: WorkspaceId = parseWorkspaceId(workspace.id);
  return { id, name: workspace.name, owner: workspace.owner, mine: workspace.mine, gateway, workspace };
}

function chooseTransport(
  workspace: Workspace,
  old: Section | undefined,
  hasSsh: boolean,
  wish: DesiredOptions["transport"],
): "direct" | "tunnel" {
  // Without an SSH port there is nothing to jump through.
  if (!hasSsh) return "tunnel";
  if (typeof wish === "function") return wish(workspace);
  return wish === "auto" ? (old?.transport ?? "direct") : wish;
}

function pinned(wanted: KeyPins | undefined, old: Section | undefined): { pins?: KeyPins } {
  const pins = wanted ?? (old === undefined ? undefined : pinsOf(old));
  return pins === undefined ? {} : { pins };
}

function publicKeys(lines: readonly string[]): SshPublicKey[] {
  return lines.map((line) => parsePublicKey(line));
}
