// A fingerprint of the network that this machine is on: the result of a probe holds in that network only. It is a hash, because
// it is kept in a file.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Interfaces that come and go with containers and virtual machines and do not change the route. VPNs (tun, utun, wg) count. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|cali|lxc|lxd|vEthernet)/i;

/**
 * Stays the same as long as the interfaces have the same networks and the router is the same. Of an address only the network
 * counts, since IPv6 privacy addresses change by the hour. Pure.
 * @param router a text that identifies the router; empty if it is not known
 */
export function networkFingerprint(interfaces: Interfaces, router: string): string {
  const networks = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([name, infos]) => (infos ?? []).flatMap((info) => networkOf(name, info) ?? []));
  const text = [...new Set(networks)].toSorted().join("\n");
  return createHash("sha256").update(`${text}\n\n${router}`).digest("hex").slice(0, 32);
}

/** The fingerprint of the current network. */
export function currentNetwork(): string {
  return networkFingerprint(networkInterfaces(), routerOf(read("/proc/net/route"), read("/proc/net/arp")));
}

/**
 * The default router's address and, if the kernel knows it, its hardware address, because many homes have 192.168.1.1. Only
 * Linux tells without starting a process; on other systems the interfaces have to do. Pure.
 */
export function routerOf(route: string, arp: string): string {
  const defaults = route
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter(([name, destination]) => destination === "00000000" && !VIRTUAL.test(name ?? ""));
  return defaults
    .map(([name, , gateway]) => {
      const address = dotted(gateway ?? "");
      const entry = arp.split("\n").find((line) => line.startsWith(`${address} `));
      return `${name} ${address} ${entry?.split(/\s+/)[3] ?? ""}`.trim();
    })
    .toSorted()
    .join(", ");
}

function networkOf(name: string, info: NetworkInterfaceInfo): string | undefined {
  if (info.internal || info.cidr === null || /^(?:fe80:|169\.254\.)/i.test(info.address)) return undefined;
  const [address = "", bits = ""] = info.cidr.split("/");
  const bytes = info.family === "IPv4" ? ipv4(address) : ipv6(address);
  return bytes === undefined ? undefined : `${name} ${masked(bytes, Number(bits))}/${bits}`;
}

function masked(bytes: readonly number[], bits: number): string {
  return bytes
    .map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff)
    .join(".");
}

function ipv4(address: string): number[] | undefined {
  const bytes = address.split(".").map(Number);
  return bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte)) ? bytes : undefined;
}

function ipv6(address: string): number[] | undefined {
  const [head = "", tail] = address.split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const missing = 8 - front.length - back.length;
  const all = tail === undefined ? front : [...front, ...Array(Math.max(0, missing)).fill(0), ...back];
  return all.length === 8 && all.every(Number.isInteger)
    ? all.flatMap((group) => [group >> 8, group & 0xff])
    : undefined;
}

/** @param hex an IPv4 address as the kernel of a little-endian machine prints it, such as `0100A8C0` */
function dotted(hex: string): string {
  return (hex.match(/../g) ?? [])
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // Not Linux, or a sandbox: the interfaces have to do.
    return "";
  }
}
