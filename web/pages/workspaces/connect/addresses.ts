// The lines that people copy to connect: `vscode://` URLs, ssh commands, lines of known_hosts. Names, hosts and URLs come from
// this gateway's own API and contain nothing special to a shell. Pure.

import type { Discovery } from "../../../../protocol/api.ts";

export type Ssh = NonNullable<Discovery["ssh"]>;

/** Editors that take connect URLs, by the scheme of theirs. */
export const EDITORS = [
  ["vscode", "VS Code"],
  ["vscode-insiders", "VS Code Insiders"],
  ["vscodium", "VSCodium"],
  ["cursor", "Cursor"],
  ["windsurf", "Windsurf"],
] as const;

/** As protocol/connect-url.ts reads it. @param ref `name` or `name.owner` */
export const connectUrl = (gateway: string, ref: string, scheme: string): string =>
  `${scheme}://sallyport.sallyport/connect?gateway=${encodeURIComponent(gateway)}&workspace=${encodeURIComponent(ref)}`;

/** @param user a workspace, with an owner token behind `#` or without */
export function sshCommand({ host, port }: Ssh, user: string): string {
  const target = `${user}@${host}`;
  return `ssh ${port === 22 ? "" : `-p ${port} `}${user.includes("#") ? `'${target}'` : target}`;
}

/** End to end encrypted: the gateway only passes bytes on. */
export const jumpCommand = ({ host, port }: Ssh, ref: string): string =>
  `ssh -J ${host.includes(":") ? `[${host}]` : host}${port === 22 ? "" : `:${port}`} ${ref}`;

/** A line of known_hosts (sshd(8)) for the gateway's SSH port. */
export function knownHostsLine({ host, port }: Ssh, key: string): string {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  return `${name} ${key.split(" ", 2).join(" ")}`;
}
