// Parses the value that a proxy script returned. Pure.

import { type ProxyScheme, parseProxyAddress } from "../proxy/proxy-address.ts";
import type { Route } from "../route.ts";

/** Routes are tried in turn, so a long list would mean a long wait. */
const MAX_ROUTES = 8;

const SCHEMES: Readonly<Record<string, readonly ProxyScheme[]>> = {
  PROXY: ["http"],
  HTTP: ["http"],
  HTTPS: ["https"],
  SOCKS5: ["socks5"],
  SOCKS4: ["socks4"],
  // Browsers disagree on the version that this means.
  SOCKS: ["socks5", "socks4"],
};

/** Skips entries that cannot be read, as browsers do. Empty: none could be read. */
export function parsePacAnswer(answer: string, from: string): Route[] {
  return answer
    .split(";")
    .flatMap((entry): Route[] => {
      const [kind = "", address, more] = entry.trim().split(/\s+/);
      if (kind.toUpperCase() === "DIRECT" && address === undefined) return [{ kind: "direct" }];
      const schemes = SCHEMES[kind.toUpperCase()];
      if (schemes === undefined || address === undefined || more !== undefined) return [];
      return schemes.flatMap((scheme) => routeOf(scheme, address, from));
    })
    .slice(0, MAX_ROUTES);
}

function routeOf(scheme: ProxyScheme, address: string, from: string): Route[] {
  try {
    return [{ kind: "proxy", address: parseProxyAddress(`${scheme}://${address}`, from), from }];
  } catch {
    // Not an address.
    return [];
  }
}
