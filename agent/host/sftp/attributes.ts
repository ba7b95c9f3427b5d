// The ATTRS structure of SFTP (§5): read from requests, and written from the result of stat(2).

import type { Stats } from "node:fs";
import type { PacketReader, PacketWriter } from "./packet.ts";
import { ATTRIBUTE } from "./wire.ts";

export interface Attributes {
  readonly size: bigint | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly permissions: number | undefined;
  /** Seconds since 1970. */
  readonly times: { readonly accessed: number; readonly modified: number } | undefined;
}

/** @throws MalformedPacketError where the fields do not fit the flags */
export function readAttributes(packet: PacketReader): Attributes {
  const flags = packet.u32();
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const attributes: Attributes = {
    size: has(ATTRIBUTE.size) ? packet.u64() : undefined,
    owner: has(ATTRIBUTE.owner) ? { uid: packet.u32(), gid: packet.u32() } : undefined,
    permissions: has(ATTRIBUTE.permissions) ? packet.u32() : undefined,
    times: has(ATTRIBUTE.times) ? { accessed: packet.u32(), modified: packet.u32() } : undefined,
  };
  if (has(ATTRIBUTE.extended)) {
    // Vendors' attributes: none is known here, so they are only skipped.
    for (let count = packet.u32(); count > 0; count--) {
      packet.string();
      packet.string();
    }
  }
  return attributes;
}

const ALL = ATTRIBUTE.size | ATTRIBUTE.owner | ATTRIBUTE.permissions | ATTRIBUTE.times;

export function writeAttributes(packet: PacketWriter, stats: Stats): PacketWriter {
  return packet
    .u32(ALL)
    .u64(BigInt(stats.size))
    .u32(stats.uid)
    .u32(stats.gid)
    .u32(stats.mode)
    .u32(toSeconds(stats.atimeMs))
    .u32(toSeconds(stats.mtimeMs));
}

export function writeNoAttributes(packet: PacketWriter): PacketWriter {
  return packet.u32(0);
}

/** The wire has 32 unsigned bits: times before 1970 and after 2106 take the nearest that fits. */
function toSeconds(milliseconds: number): number {
  return Math.min(Math.max(Math.floor(milliseconds / 1000), 0), 0xffff_ffff);
}
