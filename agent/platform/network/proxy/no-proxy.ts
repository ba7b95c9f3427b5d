// Which hosts are reached without the proxy: the lists of NO_PROXY and `http.noProxy`. Pure.

import { BlockList, isIP } from "node:net";

/** More than any real list has. */
const MAX_ENTRIES = 1_000;

/**
 * Whether the list names this host. An entry is `*`, a domain (which means its subdomains too, with or without a leading
 * `.` or `*.`), an address, a network in CIDR notation, or one of the first two with `:port`. Networks are compared with
 * addresses only: a name is not looked up for it.
 * @param list separated by commas or blanks, as in NO_PROXY
 * @param host without the brackets of IPv6
 */
export function isExempt(list: string, host: string, port: number): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return list
    .split(/[\s,]+/)
    .slice(0, MAX_ENTRIES)
    .some((entry) => entry !== "" && matches(entry.toLowerCase(), name, port));
}

/** Whether a name means this machine; to a proxy it would mean the proxy's own machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return (
    name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name)
  );
}

function matches(entry: string, name: string, port: number): boolean {
  if (entry === "*") return true;
  const network = /^\[?([0-9a-f:.]+)\]?\/(\d{1,3})$/.exec(entry);
  if (network !== null) return isInNetwork(name, network[1] ?? "", Number(network[2]));
  const { host, wantedPort } = splitPort(entry);
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const kind = isIP(host);
  if (kind !== 0) return isIP(name) === kind && isInNetwork(name, host, kind === 4 ? 32 : 128);
  const domain = host.replace(/^\*?\./, "").replace(/\.$/, "");
  return domain !== "" && (name === domain || name.endsWith(`.${domain}`));
}

/** `[::1]:8080`, `::1`, `example.com:8080`, `example.com`. */
function splitPort(entry: string): { host: string; wantedPort: number | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(entry);
  const plain = /^([^:]*):(\d{1,5})$/.exec(entry);
  const found = bracketed ?? plain;
  if (found === null) return { host: entry, wantedPort: undefined };
  return { host: found[1] ?? "", wantedPort: found[2] === undefined ? undefined : Number(found[2]) };
}

function isInNetwork(address: string, network: string, bits: number): boolean {
  const kind = isIP(address);
  if (kind === 0 || isIP(network) !== kind || bits > (kind === 4 ? 32 : 128)) return false;
  const family = kind === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, family);
}
