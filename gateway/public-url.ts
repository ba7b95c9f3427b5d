// The address that clients use if the operator names none, and warnings about it.

import { isIPv6 } from "node:net";
import type { Logger } from "pino";
import { type GatewayUrl, isPlainRemote, parseGatewayUrl } from "../protocol/values/gateway-url.ts";
import { formatAddress, type ListenAddress } from "./address.ts";
import type { GatewayOptions } from "./program/options.ts";

/** A wildcard address cannot be connected to, so it becomes the loopback address. */
export function publicUrlOf({ host, port }: ListenAddress, tls: boolean): GatewayUrl {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return parseGatewayUrl(`${tls ? "https" : "http"}://${formatAddress({ host: reachable, port })}`);
}

export function warnOfPlainHttp(
  { http, tls, publicUrl, trustProxy, dashboard }: GatewayOptions,
  log: Logger,
): void {
  const local = http.host === "localhost" || http.host === "::1" || http.host.startsWith("127.");
  if (!local && tls === null && trustProxy.length === 0) {
    log.warn(
      "Tokens cross the network in clear text: give --acme, or --tls-cert and --tls-key, or put a TLS proxy in front.",
    );
  }
  if (dashboard && publicUrl !== null && isPlainRemote(publicUrl)) {
    log.warn(
      "Browsers cannot sign in, because --public-url is plain http: use https, by --acme, by --tls-cert and --tls-key, or by a TLS proxy in front.",
    );
  }
  if (publicUrl === null && (http.host === "0.0.0.0" || (isIPv6(http.host) && http.host === "::"))) {
    log.warn("Clients are told to come to this machine's loopback address: give --public-url.");
  }
}
