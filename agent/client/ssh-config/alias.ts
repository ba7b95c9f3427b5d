// The aliases of the managed SSH config, which people type and editors keep in their lists of recent folders. An alias is in
// lower case, the same for both transports, and different for every workspace. Pure.

import { createHash } from "node:crypto";
import { type GatewayUrl, gatewayHost } from "../../../protocol/values/gateway-url.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { type Name, parseName } from "../../../protocol/values/name.ts";

export interface Aliased {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly owner: string;
  readonly mine: boolean;
  readonly gateway: GatewayUrl;
}

/**
 * `name.gateway-host` for an own workspace, `name.owner.gateway-host` for a shared one. Where two would get the same alias (the
 * shared `a` of `b` at `example.com`, an own `a` at `b.example.com`), a part of a hash follows the first label: the same part
 * each time, whatever the order of `workspaces`.
 * @param reserved aliases that are taken
 * @throws ProtocolError bad_name: what a gateway sent is not a name
 */
export function assignAliases<T extends Aliased>(
  workspaces: readonly T[],
  reserved: Iterable<string> = [],
): Map<T, string> {
  const kept = new Set(reserved);
  const wanted = new Map<string, T[]>();
  for (const workspace of workspaces) {
    const alias = plainAlias(workspace);
    const sharers = wanted.get(alias);
    if (sharers === undefined) wanted.set(alias, [workspace]);
    else sharers.push(workspace);
  }
  const taken = new Set([...kept, ...wanted.keys()]);
  const aliases = new Map<T, string>();
  for (const [alias, sharers] of wanted) {
    for (const [rank, workspace] of sharers.toSorted(byPrecedence).entries()) {
      const free = rank === 0 && !kept.has(alias);
      const own = free ? alias : distinctAlias(alias, workspace, taken);
      taken.add(own);
      aliases.set(workspace, own);
    }
  }
  return aliases;
}

/** The alias of the gateway's SSH port, which the workspaces' blocks jump through. No workspace can have this alias. */
export function gatewayAlias(gateway: GatewayUrl): string {
  return `_gateway.${gatewayLabel(gateway)}`;
}

function plainAlias({ name, owner, mine, gateway }: Aliased): string {
  const first: Name = parseName(name);
  const label = mine ? first : `${first}.${parseName(owner, "owner")}`;
  return `${label}.${gatewayLabel(gateway)}`;
}

/** The gateway's host, the port if its URL has one, and a hash of the path if it has one. */
function gatewayLabel(gateway: GatewayUrl): string {
  const { port, pathname, protocol } = new URL(gateway);
  const host = gatewayHost(gateway)
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .replace(/^-+/, "");
  const scheme = protocol === "http:" && port === "" ? "-80" : "";
  return `${host}${port === "" ? scheme : `-${port}`}${pathname === "/" ? "" : `-${hash(pathname).slice(0, 6)}`}`;
}

function distinctAlias(alias: string, workspace: Aliased, taken: ReadonlySet<string>): string {
  const dot = alias.indexOf(".");
  const digest = hash(`${workspace.gateway} ${workspace.id}`);
  for (let length = 6; length < digest.length; length++) {
    const candidate = `${alias.slice(0, dot)}-${digest.slice(0, length)}${alias.slice(dot)}`;
    if (!taken.has(candidate)) return candidate;
  }
  return `${digest}${alias.slice(dot)}`;
}

/** The plain alias goes to the person's own workspace first, then by gateway and id, so that it stays with its workspace. */
function byPrecedence(a: Aliased, b: Aliased): number {
  if (a.mine !== b.mine) return a.mine ? -1 : 1;
  const [left, right] = [`${a.gateway} ${a.id}`, `${b.gateway} ${b.id}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
