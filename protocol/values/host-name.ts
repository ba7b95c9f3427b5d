// Host names and ports, as gateways, URLs and people give them. They end up in ssh (which puts tokens such as %h into commands
// that a shell runs), in configuration files, in known_hosts and on screens. So there is one strict form for all of these; it
// is checked where a value enters, and again before each such use.

import { ProtocolError } from "../errors.ts";

declare const brand: unique symbol;
/**
 * A DNS name (RFC 1123 §2.1, and underscores, which networks use in spite of it), an IPv4 address, or an IPv6 address
 * without brackets and without a zone. Never starts with a hyphen; contains nothing special to a shell, ssh or a pattern.
 */
export type HostName = string & { readonly [brand]: "HostName" };
/** 1 to 65535. */
export type Port = number & { readonly [brand]: "Port" };

/** 253 characters (RFC 1035 §2.3.4), and the trailing dot that some people write. */
export const MAX_HOST_NAME = 254;

const LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
const DNS_NAME = `${LABEL}(?:\\.${LABEL})*\\.?`;
const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
/** RFC 3986 §3.2.2. */
const H16 = "[0-9A-Fa-f]{1,4}";
const LS32 = `(?:${H16}:${H16}|${IPV4})`;
const IPV6 = `(?:${[
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}${LS32}`,
  `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}${LS32}`,
  `(?:(?:${H16}:){0,3}${H16})?::${H16}:${LS32}`,
  `(?:(?:${H16}:){0,4}${H16})?::${LS32}`,
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join("|")})`;

export const HOST_NAME_PATTERN = `^(?:${DNS_NAME}|${IPV6})$`;
/** Apart, because V8 takes 20 ms to compile the one for IPv6, which each companion would wait for. */
const dnsNameRegExp = new RegExp(`^${DNS_NAME}$`);
const ipv6RegExp = new RegExp(`^${IPV6}$`);

/**
 * A client's address as its socket reports it: an address, with a zone if it is link-local, or an empty text if the connection
 * had gone before it was asked.
 */
export const CLIENT_ADDRESS_PATTERN = `^(?:|${IPV4}|${IPV6}(?:%[A-Za-z0-9._-]{1,32})?)$`;
export const MAX_CLIENT_ADDRESS = 80;

/** Where people reach a gateway by SSH. */
export interface SshAddress {
  host: HostName;
  port: Port;
}

/** @throws ProtocolError `bad_name` or `bad_request` */
export function parseSshAddress({
  host,
  port,
}: {
  readonly host: unknown;
  readonly port: unknown;
}): SshAddress {
  return { host: parseHostName(host), port: parsePort(port) };
}

const clientAddressRegExp = new RegExp(CLIENT_ADDRESS_PATTERN);

/** The address itself, or an empty text if it is not one. Nothing else checks the address that a proxy in front claims. */
export function clientAddressText(address: string): string {
  return address.length <= MAX_CLIENT_ADDRESS && clientAddressRegExp.test(address) ? address : "";
}

export function isHostName(value: unknown): value is HostName {
  return (
    typeof value === "string" &&
    value.length <= MAX_HOST_NAME &&
    (value.includes(":") ? ipv6RegExp : dnsNameRegExp).test(value)
  );
}

/** @throws ProtocolError `bad_name` with `field` */
export function parseHostName(value: unknown, field = "host"): HostName {
  if (isHostName(value)) return value;
  throw new ProtocolError("bad_name", `${field} must be a host name or an address without a zone.`, {
    field,
  });
}

/** @throws ProtocolError `bad_request` with `field` */
export function parsePort(value: unknown, field = "port"): Port {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535)
    return value as Port;
  throw new ProtocolError("bad_request", `${field} must be a port: a number from 1 to 65535.`, { field });
}
