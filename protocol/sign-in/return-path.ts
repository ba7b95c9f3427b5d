// Where a browser goes after it signed in: a path of this dashboard and nothing else. Everybody can write such a path into a
// link, so this is the one place that decides (open redirects).

const OWN = /^\/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,999}$/;

/**
 * The path with its query, or `/` for anything that could lead to a different origin or carries what does not belong there:
 * `//e`, `/\e`, `/%2f/e`, `https:e`, control characters, blanks, tabs, a fragment.
 */
export function safeReturnPath(value: unknown): string {
  if (typeof value !== "string" || !OWN.test(value)) return "/";
  const [path = "/"] = value.split("?", 1);
  // Encoded slashes, backslashes and dots mean different things to different servers, and no path of ours has them.
  if (path.includes("//") || path.includes("@") || /%(?:2f|5c|2e|0|1|7f|25)/i.test(path)) return "/";
  const url = new URL(value, "https://own.invalid");
  return url.origin === "https://own.invalid" && url.pathname === path ? value : "/";
}
