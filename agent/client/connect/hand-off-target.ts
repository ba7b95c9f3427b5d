// What is handed to Remote-SSH: which of its flavours is there, and the address of a folder on the other side. Pure.

/** Extensions that answer for `ssh-remote+…`; the first is Microsoft's own. */
export const REMOTE_SSH_FLAVOURS = [
  "ms-vscode-remote.remote-ssh",
  "jeanp413.open-remote-ssh",
  "anysphere.remote-ssh",
  "codeium.windsurf-remote-openssh",
  "google.antigravity-remote-openssh",
] as const;
export type RemoteSshFlavour = (typeof REMOTE_SSH_FLAVOURS)[number];

/** The one that this editor can install: forks may not use Microsoft's. */
export function suitableFlavour(appName: string): RemoteSshFlavour {
  const name = appName.toLowerCase();
  if (name.includes("cursor")) return "anysphere.remote-ssh";
  if (name.includes("windsurf")) return "codeium.windsurf-remote-openssh";
  if (name.includes("antigravity")) return "google.antigravity-remote-openssh";
  return name.includes("visual studio code") ? "ms-vscode-remote.remote-ssh" : "jeanp413.open-remote-ssh";
}

export function remoteAuthority(alias: string): string {
  return `ssh-remote+${alias}`;
}

/** The alias behind an authority; undefined for other remotes and for destinations that are not plain names. */
export function aliasOfAuthority(authority: string): string | undefined {
  const alias = /^ssh-remote\+([a-z0-9_][a-z0-9_.-]*)$/.exec(authority)?.[1];
  return alias;
}

/** An absolute path on the workspace, as a person may write it; undefined for anything else. */
export function remoteFolder(text: string): string | undefined {
  const path = text.trim();
  if (path === "" || path.length > 4096 || /\p{Cc}/u.test(path)) return undefined;
  if (/^[A-Za-z]:[\\/]/.test(path)) return `/${path.replaceAll("\\", "/")}`;
  return path.startsWith("/") ? path : undefined;
}

/** What the person said, even where it is empty (none); else the first that is a folder. */
export function folderToOpen(
  wanted: string | undefined,
  others: readonly (string | undefined)[],
): string | undefined {
  if (wanted !== undefined) return remoteFolder(wanted);
  return others
    .map((one) => (one === undefined ? undefined : remoteFolder(one)))
    .find((one) => one !== undefined);
}

export const MAX_RECENT_FOLDERS = 10;

/** The newest first, each once. */
export function withRecentFolder(folders: readonly string[], added: string): string[] {
  return [added, ...folders.filter((folder) => folder !== added)].slice(0, MAX_RECENT_FOLDERS);
}
