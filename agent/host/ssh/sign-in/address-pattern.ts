// `from="…"` of an authorized_keys line: a list of addresses, CIDR ranges and wildcards (ssh_config(5), PATTERNS).

import { BlockList, isIP } from "node:net";

export interface AddressPattern {
  readonly negated: boolean;
  readonly matches: (address: string) => boolean;
}

/** undefined: malformed, or with host names, which are not looked up. */
export function parseAddressPatterns(text: string): readonly AddressPattern[] | undefined {
  const patterns = text.split(",").map(parsePattern);
  return patterns.every((pattern) => pattern !== undefined) ? patterns : undefined;
}

/** True if one of the patterns matches and no negated one does. */
export function matchesAddress(patterns: readonly AddressPattern[], address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  const matching = patterns.filter((pattern) => pattern.matches(plain));
  return matching.length > 0 && matching.every((pattern) => !pattern.negated);
}

function parsePattern(text: string): AddressPattern | undefined {
  const negated = text.startsWith("!");
  const body = negated ? text.slice(1) : text;
  const [address = "", bits, more] = body.split("/");
  const family = isIP(address);
  if (family !== 0 && more === undefined) {
    const max = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? max : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (!(prefix <= max)) return undefined;
    const list = new BlockList();
    list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
    return {
      negated,
      matches: (candidate) => list.check(candidate, isIP(candidate) === 6 ? "ipv6" : "ipv4"),
    };
  }
  // Letters beyond hexadecimal digits would be a host name.
  if (!/^[0-9a-fA-F.:*?]+$/.test(body) || !/[*?]/.test(body)) return undefined;
  const expression = body.replace(/[.]/g, "\\.").replace(/\*/g, ".*").replace(/\?/g, ".");
  const wildcard = new RegExp(`^${expression}$`, "i");
  return { negated, matches: (candidate) => wildcard.test(candidate) };
}
