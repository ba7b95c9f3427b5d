// What is handed to Remote-SSH: the flavour of it that this editor can have, and the address of a folder on the
// workspace. Pure.

/** The extensions that resolve `ssh-remote+…`; the first is Microsoft's own. */
export const REMOTE_SSH_FLAVOURS = [
  "ms-vscode-remote.remote-ssh",
  "jeanp413.open-remote-ssh",
  "anysphere.remote-ssh",
  "codeium.windsurf-remote-openssh",
  "google.antigravity-remote-openssh",
] as const;
type RemoteSshFlavour = (typeof REMOTE_SSH_FLAVOURS)[number];

/** The one that this editor can install. Forks of VS Code may not use Microsoft's. */
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

/** The alias in an authority; undefined for other remotes and for destinations that are not plain names. */
export function aliasOfAuthority(authority: string): string | undefined {
  return /^ssh-remote\+([a-z0-9_][a-z0-9_.-]*)$/.exec(authority)?.[1];
}

/** An absolute path on the workspace, as a person may write it; undefined for anything else. */
export function remoteFolder(text: string): string | undefined {
  const path = text.trim();
  if (path === "" || path.length > 4096 || /\p{Cc}/u.test(path)) return undefined;
  if (/^[A-Za-z]:[\\/]/.test(path)) return `/${path.replaceAll("\\", "/")}`;
  return path.startsWith("/") ? path : undefined;
}

/**
 * The folder that the person named, where an empty text means none; if they named none, the first of the others that is
 * valid.
 */
export function folderToOpen(
  wanted: string | undefined,
  others: readonly (string | undefined)[],
): string | undefined {
  if (wanted !== undefined) return remoteFolder(wanted);
  return others
    .map((one) => (one === undefined ? undefined : remoteFolder(one)))
    .find((one) => one !== undefined);
}

const MAX_RECENT_FOLDERS = 10;

/** The most recent folder first, each once. */
export function withRecentFolder(folders: readonly string[], added: string): string[] {
  return [added, ...folders.filter((folder) => folder !== added)].slice(0, MAX_RECENT_FOLDERS);
}
