// OpenSSH's extensions (PROTOCOL §4.3 to §4.12): EXTENDED requests by name, with the versions announced for each.

import { fstat, fsync } from "node:fs";
import { link, rename } from "node:fs/promises";
import { promisify } from "node:util";
import type { OpenFile } from "../handles.ts";
import { MalformedPacketError, PacketReader, PacketWriter } from "../packet.ts";
import { StatusError, toOffset } from "../status.ts";
import { fileSystemAnswer } from "../statvfs.ts";
import { MAX_DATA_BYTES, MAX_HANDLES, MAX_PACKET_BYTES, PACKET, STATUS } from "../wire.ts";
import { changeTwo } from "./directory-operations.ts";
import { readAt, writeAt } from "./file-operations.ts";
import { setOnLink } from "./metadata-operations.ts";
import {
  looksAtPath,
  nameAnswer,
  type Operation,
  okAnswer,
  onHandle,
  readHandle,
  readPath,
  type SftpSession,
  touchesNothing,
} from "./operation.ts";
import { absolutePath, realPath } from "./real-path.ts";

const syncDescriptor = promisify(fsync);
const statDescriptor = promisify(fstat);
const COPY_BYTES = 256 * 1024;
const TILDE = 0x7e;

const statPath: Operation = {
  writes: false,
  plan(session, id, packet) {
    const path = readPath(session, packet);
    return {
      access: looksAtPath,
      run: async () => fileSystemAnswer(id, path, await realPath(path), session.readOnly),
    };
  },
};

const statHandle: Operation = {
  writes: false,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    return {
      access: onHandle(handle, false),
      run: () => {
        const opened = session.handles.get(handle);
        // Node has no fstatfs(3). The link that Linux keeps for each descriptor works after a rename, too.
        const byDescriptor = opened.kind === "file" && process.platform === "linux";
        const path = byDescriptor ? `/proc/self/fd/${opened.fd}` : opened.path;
        return fileSystemAnswer(id, path, opened.path, session.readOnly);
      },
    };
  },
};

const sync: Operation = {
  writes: true,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    return {
      access: onHandle(handle, true),
      run: async () => {
        await syncDescriptor(session.handles.file(handle, STATUS.noSuchFile).fd);
        return okAnswer(id);
      },
    };
  },
};

const limits: Operation = {
  writes: false,
  plan: (_session, id) => ({
    access: touchesNothing,
    run: async () =>
      new PacketWriter(PACKET.extendedReply)
        .u32(id)
        .u64(BigInt(MAX_PACKET_BYTES))
        .u64(BigInt(MAX_DATA_BYTES))
        .u64(BigInt(MAX_DATA_BYTES))
        .u64(BigInt(MAX_HANDLES))
        .finish(),
  }),
};

const expandPath: Operation = {
  writes: false,
  plan(session, id, packet) {
    const path = packet.path();
    return {
      access: looksAtPath,
      run: async () =>
        nameAnswer(id, await realPath(absolutePath(session.base, await expandTilde(session, path)))),
    };
  },
};

/** Expands `~`, `~/x` and `~user/x` as a shell does; other paths stay as they are. */
async function expandTilde(session: SftpSession, path: Buffer): Promise<Buffer> {
  if (path.length === 0) return Buffer.from(".");
  if (path[0] !== TILDE) return path;
  const slash = path.indexOf("/");
  const end = slash === -1 ? path.length : slash;
  const home = await homeOf(session, path.subarray(1, end).toString());
  return Buffer.concat([Buffer.from(home), path.subarray(end)]);
}

async function homeOf(session: SftpSession, user: string): Promise<string> {
  const { person, users } = session;
  const ofOthers = user === "" ? undefined : await users.home(user);
  const isOwn = user === "" || user === person.signedInAs;
  const home = ofOthers ?? (isOwn ? person.home : undefined);
  if (home === undefined || home === "") throw new StatusError(STATUS.noSuchFile, "No such user");
  return home;
}

const homeDirectory: Operation = {
  writes: false,
  plan(session, id, packet) {
    const user = packet.path().toString();
    return {
      access: touchesNothing,
      run: async () => nameAnswer(id, Buffer.from(await homeOf(session, user))),
    };
  },
};

const copyData: Operation = {
  writes: true,
  plan(session, id, packet) {
    const from = readHandle(packet);
    const fromOffset = packet.u64();
    const length = packet.u64();
    const to = readHandle(packet);
    const toOffsetAsked = packet.u64();
    return {
      access: { handles: [from, to], exclusive: true },
      run: async () => {
        const source = session.handles.file(from, STATUS.noSuchFile);
        const target = session.handles.file(to, STATUS.noSuchFile);
        await refuseSameFile(source, target);
        const position = target.append ? null : toOffset(toOffsetAsked);
        await copy(session, source.fd, toOffset(fromOffset), length, target.fd, position);
        return okAnswer(id);
      },
    };
  },
};

async function refuseSameFile(source: OpenFile, target: OpenFile): Promise<void> {
  const [from, to] = await Promise.all([statDescriptor(source.fd), statDescriptor(target.fd)]);
  if (source === target || (from.dev === to.dev && from.ino === to.ino)) {
    throw new StatusError(STATUS.failure, "Cannot copy a file onto itself");
  }
}

/** Copies `length` bytes; 0: all that there are. @throws StatusError eof: there are fewer */
async function copy(
  session: SftpSession,
  source: number,
  from: number,
  length: bigint,
  target: number,
  to: number | null,
): Promise<void> {
  const total = length === 0n ? Number.POSITIVE_INFINITY : toOffset(length);
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES);
  for (let done = 0; done < total; ) {
    if (session.ended.aborted) throw new StatusError(STATUS.failure, "The session ended");
    const count = await readAt(source, buffer, 0, Math.min(COPY_BYTES, total - done), from + done);
    if (count === 0) {
      if (length === 0n) return;
      throw new StatusError(STATUS.eof, "The file ended before the length asked for");
    }
    await writeAt(target, buffer.subarray(0, count), to === null ? null : to + done);
    done += count;
  }
}

const namesById: Operation = {
  writes: false,
  plan(session, id, packet) {
    const uids = readIds(packet.string());
    const gids = readIds(packet.string());
    return {
      access: touchesNothing,
      run: async () => {
        const { users, groups } = await session.users.byId();
        const answer = new PacketWriter(PACKET.extendedReply)
          .u32(id)
          .string(nameList(uids, users))
          .string(nameList(gids, groups));
        if (answer.length > MAX_PACKET_BYTES) throw new StatusError(STATUS.failure, "Too many ids at once");
        return answer.finish();
      },
    };
  },
};

function readIds(bytes: Buffer): number[] {
  if (bytes.length % 4 !== 0) throw new MalformedPacketError("a list of ids that is cut off");
  const reader = new PacketReader(bytes);
  return Array.from({ length: bytes.length / 4 }, () => reader.u32());
}

/** Strings one after the other, empty where the id has no name. */
function nameList(ids: readonly number[], names: ReadonlyMap<number, string>): Buffer {
  const parts: Buffer[] = [];
  for (const id of ids) {
    const name = Buffer.from(names.get(id) ?? "");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(name.length);
    parts.push(length, name);
  }
  return Buffer.concat(parts);
}

/** In the order in which VERSION announces them. */
export const extensions: readonly { name: string; version: string; operation: Operation }[] = [
  { name: "posix-rename@openssh.com", version: "1", operation: changeTwo(rename) },
  { name: "statvfs@openssh.com", version: "2", operation: statPath },
  { name: "fstatvfs@openssh.com", version: "2", operation: statHandle },
  { name: "hardlink@openssh.com", version: "1", operation: changeTwo(link) },
  { name: "fsync@openssh.com", version: "1", operation: sync },
  { name: "lsetstat@openssh.com", version: "1", operation: setOnLink },
  { name: "limits@openssh.com", version: "1", operation: limits },
  { name: "expand-path@openssh.com", version: "1", operation: expandPath },
  { name: "copy-data", version: "1", operation: copyData },
  { name: "home-directory", version: "1", operation: homeDirectory },
  { name: "users-groups-by-id@openssh.com", version: "1", operation: namesById },
];
