// The dashboard's pages by path. The gateway answers these with the page, and web/ routes by them.

export const PAGES = {
  workspaces: "/",
  workspace: "/workspaces/:ref",
  keys: "/keys",
  tokens: "/tokens",
  devices: "/devices",
  shares: "/shares",
  activity: "/activity",
  account: "/account",
  people: "/admin/people",
  allWorkspaces: "/admin/workspaces",
  invitations: "/admin/invitations",
  audit: "/admin/audit",
  providers: "/admin/providers",
  health: "/admin/health",
  settings: "/admin/settings",
  signIn: "/sign-in",
  /** A one-use link: `/welcome#CODE`. */
  welcome: "/welcome",
  /** Somebody signed in by a provider for the first time and chooses a name. */
  chooseName: "/welcome/name",
  authorize: "/oauth/authorize",
  device: "/device",
} as const;
export type PageName = keyof typeof PAGES;

/** The page of a path (without its query), and the value of `:ref`; undefined: there is none. */
export function pageOf(path: string): { readonly page: PageName; readonly ref?: string } | undefined {
  const trimmed = path.length > 1 ? path.replace(/\/$/, "") : path;
  for (const [page, pattern] of Object.entries(PAGES) as [PageName, string][]) {
    if (pattern === trimmed) return { page };
    if (!pattern.includes("/:ref")) continue;
    const prefix = pattern.slice(0, pattern.indexOf(":ref"));
    const rest = trimmed.startsWith(prefix) ? trimmed.slice(prefix.length) : "";
    if (rest !== "" && !rest.includes("/")) return { page, ref: decoded(rest) };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
