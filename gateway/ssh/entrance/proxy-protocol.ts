// HAProxy's PROXY protocol, versions 1 and 2: the header that a TCP load balancer sends before a connection's
// bytes to name the client's address (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Pure.

import { isIPv4, isIPv6 } from "node:net";

/** §2.1: the longest version 1 line, CR LF included. */
const MAX_V1_BYTES = 107;
/** §2.2: 16 bytes of header, 216 of Unix addresses, and what fits the smallest IPv4 datagram. */
const MAX_V2_BYTES = 536;
const V2_HEADER_BYTES = 16;
const V1_START = Buffer.from("PROXY ");
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const IPV4_MAPPED = Buffer.from("00000000000000000000ffff", "hex");

type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly reason: string }
  /** `address` is null if the proxy connects for itself (a health check) or does not know it. */
  | { readonly kind: "header"; readonly address: string | null; readonly length: number };

/** Reads the header at the start of a connection's bytes. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, V2_SIGNATURE)) return bytes.length < V2_HEADER_BYTES ? incomplete : parseV2(bytes);
  if (startsAlike(bytes, V1_START)) return parseV1(bytes);
  return invalid("no PROXY header");
}

const incomplete = { kind: "incomplete" } as const;

function invalid(reason: string): ProxyHeader {
  return { kind: "invalid", reason };
}

/** Whether `bytes` begin like `start`, as far as they go. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_V1_BYTES ? incomplete : invalid("the line is too long");
  const length = end + 2;
  const [, family, source = "", destination = "", ...ports] = bytes
    .subarray(0, end)
    .toString("latin1")
    .split(" ");
  if (family === "UNKNOWN") return { kind: "header", address: null, length };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (isAddress === undefined) return invalid("an unknown protocol");
  if (!isAddress(source) || !isAddress(destination) || source.includes("%")) return invalid("no address");
  if (ports.length !== 2 || !ports.every(isPort)) return invalid("no ports");
  return { kind: "header", address: source, length };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes[12] ?? 0;
  const family = bytes[13] ?? 0;
  const length = V2_HEADER_BYTES + bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return invalid("an unknown version");
  const command = versionAndCommand & 0x0f;
  if (command > 1) return invalid("an unknown command");
  if (length > MAX_V2_BYTES) return invalid("the header is too long");
  if (bytes.length < length) return incomplete;
  const addresses = bytes.subarray(V2_HEADER_BYTES, length);
  if (command === 0) return { kind: "header", address: null, length };
  switch (family) {
    case 0x11:
      if (addresses.length < 12) return invalid("no address");
      return { kind: "header", address: [...addresses.subarray(0, 4)].join("."), length };
    case 0x21:
      if (addresses.length < 36) return invalid("no address");
      return { kind: "header", address: ipv6(addresses.subarray(0, 16)), length };
    case 0x00:
      return { kind: "header", address: null, length };
    default:
      return invalid("not a TCP connection");
  }
}

function ipv6(bytes: Buffer): string {
  // An IPv4 address in IPv6 form (RFC 4291 §2.5.5.2) counts as what it is.
  if (bytes.subarray(0, 12).equals(IPV4_MAPPED)) return [...bytes.subarray(12)].join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return groups.join(":");
}
