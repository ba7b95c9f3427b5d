// The path prefix of the gateway's public URL, such as `/sub` behind a proxy; mostly empty. The gateway writes it into the page.

export const BASE = typeof document === "undefined" ? "" : (document.documentElement.dataset.base ?? "");

/** A path of the dashboard or the API as the browser asks for it. */
export const withBase = (path: string, base: string = BASE): string => `${base}${path}`;

/** The path as this program knows it; undefined: the path is outside of the gateway's URL. */
export function withoutBase(path: string, base: string = BASE): string | undefined {
  if (path === base) return "/";
  if (!path.startsWith(`${base}/`)) return undefined;
  return path.slice(base.length);
}

/** The gateway's URL, as people give it to programs: the session's cookie is kept at no other. */
export const gatewayUrl = (): string => `${location.origin}${BASE}`;
