// Where a request comes from: the TCP peer, or what a trusted reverse proxy says it is. The same rule holds for API
// requests and for WebSocket upgrades, and everything that counts by address builds on it.

import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

export type ClientAddress = (request: IncomingMessage) => string;

/**
 * `trusted` holds addresses, CIDR ranges and the word `loopback`. X-Forwarded-For is read from the right, past
 * trusted proxies only: everything left of the first stranger is what that stranger made up.
 * @throws RangeError where an entry is none of these
 */
export function clientAddressOf(trusted: readonly string[]): ClientAddress {
  const isTrusted = addressList(trusted);
  return (request) => {
    let address = plainAddress(request.socket.remoteAddress ?? "");
    if (trusted.length === 0 || address === "") return address;
    const header = request.headers["x-forwarded-for"] ?? "";
    const hops = (Array.isArray(header) ? header.join(",") : header).split(",").slice(-20).reverse();
    for (const hop of hops) {
      if (!isTrusted(address)) break;
      const next = plainAddress(hop.trim());
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  };
}

/** Whether an address is in a list of addresses, CIDR ranges and the word `loopback`. @throws RangeError */
export function addressList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addTrusted(list, entry);
  return (address) => list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function addTrusted(list: BlockList, entry: string): void {
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

/** `::ffff:192.0.2.1`, as a socket that listens on both families shows it, is an IPv4 address. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}
