// Where a URL leads, and the routes that a connection to it can take: directly, or through a proxy. Pure.

import type { ProxyAddress } from "./proxy/proxy-address.ts";

export type Route = { readonly kind: "direct" } | ProxyRoute;

export interface ProxyRoute {
  readonly kind: "proxy";
  readonly address: ProxyAddress;
  /** Where it is configured, for messages: a variable, a setting, a file. */
  readonly from: string;
}

/** Where a URL leads: without the brackets of IPv6, and with the port that its scheme implies. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

export function endpointOf(url: URL): Endpoint {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), secure };
}
