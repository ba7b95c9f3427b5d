// Lines of the known_hosts file that Sallyport alone writes (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): the keys that the
// gateway published for a workspace, under an alias that is the workspace's and nothing else's. Pure.

import { type GatewayUrl, gatewayHost } from "../../../protocol/values/gateway-url.ts";
import { parseHostName, type SshAddress } from "../../../protocol/values/host-name.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/**
 * The HostKeyAlias of a workspace: `name.owner.gateway-host` (or `name.gateway-host`, where the owner is not known), lower
 * case, with the port where it is not the scheme's own. An id stands for itself.
 */
export function hostKeyAlias(workspace: WorkspaceRef, gateway: GatewayUrl): string {
  const { port } = new URL(gateway);
  const host = gatewayHost(gateway)
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-");
  // An underscore has no place in a host name.
  const label = formatWorkspaceRef(workspace).replace("_", "-");
  return `${label}.${host}${port === "" ? "" : `-${port}`}`;
}

/**
 * How ssh looks an SSH server up in a known_hosts file: `host`, or `[host]:port` where the port is not 22. A HostName has no
 * blanks, wildcards, lists or line ends in it. @throws ProtocolError bad_name
 */
export function knownHostsName({ host, port }: SshAddress): string {
  const name = parseHostName(host).toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** The file's text with exactly these keys for `alias`; every other line stays as it is. */
export function withKeysFor(text: string, alias: string, keys: readonly SshPublicKey[]): string {
  const kept = text.split(/\r?\n/).filter((line) => line !== "" && hostsOf(line)[0] !== alias);
  const added = keys.map(({ type, blob }) => `${alias} ${type} ${blob}`);
  return [...kept, ...added].map((line) => `${line}\n`).join("");
}

/** The keys that `text` holds for one of `names`, and those on lines without a host (`ssh-ed25519 AAAA…`). */
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
    // A known_hosts file may hold key types that we do not use; ssh would skip the line too.
    return undefined;
  }
}
