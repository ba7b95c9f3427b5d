// The lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), and the names that host keys are looked up under. Pure.

import { type GatewayUrl, gatewayHost } from "../../../protocol/values/gateway-url.ts";
import { parseHostName, type SshAddress } from "../../../protocol/values/host-name.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/**
 * The HostKeyAlias under which `sallyport ssh` pins the host keys of a workspace: `name.owner.gateway-host`, or
 * `name.gateway-host` if the owner is not known, or `id.gateway-host`; in lower case, with the port if it is not the scheme's
 * default.
 */
export function hostKeyAlias(workspace: WorkspaceRef, gateway: GatewayUrl): string {
  const { port } = new URL(gateway);
  const host = gatewayHost(gateway)
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-");
  // A host name contains no underscore.
  const label = formatWorkspaceRef(workspace).replace("_", "-");
  return `${label}.${host}${port === "" ? "" : `-${port}`}`;
}

/**
 * The name under which ssh looks a server up: `host`, or `[host]:port` if the port is not 22. Never contains blanks, wildcards,
 * commas or line ends. @throws ProtocolError bad_name
 */
export function knownHostsName({ host, port }: SshAddress): string {
  const name = parseHostName(host).toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** `text` with exactly these keys for `alias`. All other lines stay. */
export function withKeysFor(text: string, alias: string, keys: readonly SshPublicKey[]): string {
  const kept = text.split(/\r?\n/).filter((line) => line !== "" && hostsOf(line)[0] !== alias);
  const added = keys.map(({ type, blob }) => `${alias} ${type} ${blob}`);
  return [...kept, ...added].map((line) => `${line}\n`).join("");
}

/** The keys in `text` for any of `names`, and the keys on lines without a name (`ssh-ed25519 AAAA…`). */
export function keysFor(text: string, names: readonly string[]): SshPublicKey[] {
  const keys: SshPublicKey[] = [];
  for (const line of text.split(/\r?\n/).map((raw) => raw.trim())) {
    if (line === "" || line.startsWith("#") || line.startsWith("@")) continue;
    const bare = tryParse(line);
    if (bare !== undefined && bare.options === "") keys.push(bare);
    else if (hostsOf(line).some((host) => names.includes(host))) {
      const key = tryParse(line.replace(/^\S+\s+/, ""));
      if (key !== undefined) keys.push(key);
    }
  }
  return keys;
}

function hostsOf(line: string): string[] {
  return (line.trim().split(/\s/, 1)[0] ?? "").split(",");
}

function tryParse(line: string): SshPublicKey | undefined {
  try {
    return parsePublicKey(line);
  } catch {
    // A known_hosts file may contain key types that we do not know; ssh skips such lines too.
    return undefined;
  }
}
