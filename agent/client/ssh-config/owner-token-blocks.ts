// Replaces the blocks of workspaces that are opened by an owner token in the wanted managed SSH config. Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceId } from "../../../protocol/values/id.ts";
import { gatewayAlias } from "./alias.ts";
import type { Managed } from "./apply.ts";
import type { Desired, Listing } from "./desired-config.ts";
import { type BlockPlace, type OwnerTokenBlock, ownerTokenSettings } from "./host-block.ts";
import { isOwnerTokenSection, ownerTokenSection } from "./managed-config.ts";

/** The workspace that is being connected to, and whether by an owner token. All others stay as they are. */
export interface OwnerTokenChoice {
  readonly gateway: GatewayUrl;
  readonly id: string;
  readonly byOwnerToken: boolean;
}

export function withOwnerTokens(
  desired: Desired,
  now: Managed,
  listings: readonly Listing[],
  choice: OwnerTokenChoice | undefined,
  place: BlockPlace,
): Desired {
  const before = new Set(
    now.sections.filter(isOwnerTokenSection).map(({ gateway, id }) => `${gateway} ${id}`),
  );
  const blocks = new Map<string, OwnerTokenBlock>();
  for (const { gateway, workspace, alias } of desired.aliases) {
    const ssh = listings.find((listing) => listing.gateway === gateway)?.ssh;
    const chosen =
      choice?.gateway === gateway && choice.id === workspace.id ? choice.byOwnerToken : undefined;
    if (!(chosen ?? before.has(`${gateway} ${workspace.id}`))) continue;
    // The token is for the gateway's SSH port.
    if (ssh === undefined || ssh === null) continue;
    const id = parseWorkspaceId(workspace.id);
    const { host: hostName, port } = ssh;
    blocks.set(alias, { gateway, id, alias, gatewayAlias: gatewayAlias(gateway), hostName, port });
  }
  if (blocks.size === 0) return desired;
  return {
    ...desired,
    managed: {
      ...desired.managed,
      sections: desired.managed.sections.map((section) => {
        const block = section.kind === "workspace" ? blocks.get(section.alias) : undefined;
        return block === undefined ? section : ownerTokenSection(block, place);
      }),
    },
    expect: desired.expect.map((expectation) => {
      const block = blocks.get(expectation.alias);
      return block === undefined
        ? expectation
        : { ...expectation, settings: ownerTokenSettings(block, place) };
    }),
  };
}
