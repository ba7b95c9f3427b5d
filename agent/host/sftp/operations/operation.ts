// What an SFTP operation is: a plan made of one packet, and the answers that operations give. The families of
// operations (files, directories, metadata, extensions) each export theirs; server.ts dispatches by type.

import type { Stats } from "node:fs";
import { writeAttributes, writeNoAttributes } from "../attributes.ts";
import { type HandleTable, handleNumber } from "../handles.ts";
import { type PacketReader, PacketWriter } from "../packet.ts";
import type { Access } from "../request-queue.ts";
import type { UserDatabase } from "../user-database.ts";
import { PACKET, STATUS } from "../wire.ts";
import { absolutePath } from "./real-path.ts";

/** What the operations of one SFTP session share. */
export interface SftpSession {
  /** Where relative paths start: absolute. */
  readonly base: Buffer;
  readonly readOnly: boolean;
  readonly handles: HandleTable;
  readonly users: UserDatabase;
  /** `signedInAs`: the SSH user name, which need not be a user of the machine. */
  readonly person: { readonly home: string; readonly signedInAs: string | undefined };
  /** A buffer for a large answer; used again once the channel has taken it. */
  readonly takeBuffer: (length: number) => Buffer;
  /** Aborted when the session ends; long operations stop. */
  readonly ended: AbortSignal;
}

export interface Plan {
  readonly access: Access;
  /** Resolves with the answer, a whole packet. @throws StatusError or the system's error: answered as a STATUS */
  readonly run: () => Promise<Buffer>;
}

export interface Operation {
  /** It changes something: refused in read-only mode. OPEN decides by its flags instead. */
  readonly writes: boolean;
  /** Reads the packet's fields. @throws MalformedPacketError */
  readonly plan: (session: SftpSession, id: number, packet: PacketReader) => Plan;
}

export const looksAtPath: Access = { handles: undefined, exclusive: false };
export const changesPath: Access = { handles: undefined, exclusive: true };
export const touchesNothing: Access = { handles: [], exclusive: false };

export function onHandle(handle: number, exclusive: boolean): Access {
  return { handles: [handle], exclusive };
}

/** A path of the packet, made absolute. */
export function readPath(session: SftpSession, packet: PacketReader): Buffer {
  return absolutePath(session.base, packet.path());
}

export function readHandle(packet: PacketReader): number {
  return handleNumber(packet.string());
}

export function statusAnswer(id: number, status: number, message: string): Buffer {
  return new PacketWriter(PACKET.status).u32(id).u32(status).string(message).string("en").finish();
}

export function okAnswer(id: number): Buffer {
  return statusAnswer(id, STATUS.ok, "Success");
}

export function handleAnswer(id: number, handle: Buffer): Buffer {
  return new PacketWriter(PACKET.handle).u32(id).string(handle).finish();
}

/** One name without attributes, as REALPATH and its like answer. */
export function nameAnswer(id: number, name: Buffer): Buffer {
  const packet = new PacketWriter(PACKET.name).u32(id).u32(1).string(name).string(name);
  return writeNoAttributes(packet).finish();
}

export function attributesAnswer(id: number, stats: Stats): Buffer {
  return writeAttributes(new PacketWriter(PACKET.attrs).u32(id), stats).finish();
}
