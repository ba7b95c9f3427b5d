// Network addresses: the one a client comes from, which everything that is counted per address builds on, and
// the ones that the gateway listens on.

import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** The client's address of a request: for API requests and for upgrades alike. */
export type ClientAddress = (request: IncomingMessage) => string;

/** Where the gateway listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Proxies in a chain that are looked at. */
const MAX_HOPS = 20;

/**
 * The client's address is that of the TCP peer or, where the peer is a trusted reverse proxy, the one that it
 * names in X-Forwarded-For. The header is read from the right, past trusted proxies only: a client can make
 * up everything to the left of its own address.
 * @param trusted addresses, CIDR ranges and the word `loopback`
 * @throws RangeError where an entry is none of these
 */
export function clientAddressOf(trusted: readonly string[]): ClientAddress {
  const isTrusted = addressMatcher(trusted);
  return (request) => {
    let address = plainAddress(request.socket.remoteAddress ?? "");
    if (trusted.length === 0 || address === "") return address;
    const header = request.headers["x-forwarded-for"] ?? "";
    const hops = (Array.isArray(header) ? header.join(",") : header).split(",").slice(-MAX_HOPS).reverse();
    for (const hop of hops) {
      if (!isTrusted(address)) break;
      const next = plainAddress(hop.trim());
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  };
}

/**
 * Returns a function that tells whether an address is in the list.
 * @param entries addresses, CIDR ranges and the word `loopback`
 * @throws RangeError where an entry is none of these
 */
export function addressMatcher(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return (address) => list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function addEntry(list: BlockList, entry: string): void {
  if (entry === "loopback") {
    list.addSubnet("127.0.0.0", 8, "ipv4");
    list.addAddress("::1", "ipv6");
    return;
  }
  const [address = "", prefix, more] = entry.split("/");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const longest = family === "ipv4" ? 32 : 128;
  const length = prefix === undefined ? longest : Number(prefix);
  const isRange = prefix === undefined || /^\d{1,3}$/.test(prefix);
  if (isIP(address) === 0 || more !== undefined || !isRange || length > longest) {
    throw new RangeError(`${JSON.stringify(entry)} is not an address, a CIDR range or the word loopback`);
  }
  list.addSubnet(address, length, family);
}

/**
 * Turns `::ffff:192.0.2.1`, as a socket that listens on both families shows it, into the IPv4 address that it
 * is.
 */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
