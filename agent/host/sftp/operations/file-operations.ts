// Operations on open files: OPEN, CLOSE, READ, WRITE (§6.3, §6.4). Nearly all bytes of transfers pass here.

import { constants, open, read, write } from "node:fs";
import { promisify } from "node:util";
import { type Attributes, readAttributes } from "../attributes.ts";
import type { OpenFile } from "../handles.ts";
import { DATA_OFFSET, finishData } from "../packet.ts";
import { permissionDenied, StatusError, toOffset } from "../status.ts";
import { MAX_DATA_BYTES, OPEN, PACKET, STATUS } from "../wire.ts";
import {
  changesPath,
  handleAnswer,
  looksAtPath,
  type Operation,
  okAnswer,
  onHandle,
  readHandle,
  readPath,
  type SftpSession,
} from "./operation.ts";

const openDescriptor = promisify(open);

/**
 * O_NONBLOCK: opening a FIFO would block a thread, of the few that the whole process has, until somebody opens the other
 * end. It changes nothing for regular files. O_NOCTTY: a terminal must not become this process's own.
 */
const ALWAYS = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const openFile: Operation = {
  writes: false,
  plan(session, id, packet) {
    const path = readPath(session, packet);
    const pflags = packet.u32();
    const attributes = readAttributes(packet);
    const changes = (pflags & (OPEN.write | OPEN.append | OPEN.create | OPEN.truncate)) !== 0;
    return {
      access: changes ? changesPath : looksAtPath,
      run: async () =>
        handleAnswer(id, await session.handles.add(() => openAs(session, path, pflags, attributes))),
    };
  },
};

async function openAs(
  session: SftpSession,
  path: Buffer,
  pflags: number,
  attributes: Attributes,
): Promise<OpenFile> {
  const flags = openFlags(pflags);
  const writes =
    (flags & (constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC)) !== 0;
  if (session.readOnly && writes) throw permissionDenied("Read-only session");
  const mode = (attributes.permissions ?? 0o666) & 0o7777;
  const fd = await openDescriptor(path, flags | ALWAYS, mode);
  // A copy, since the packet's buffer is used again.
  return { kind: "file", fd, path: Buffer.from(path), append: (flags & constants.O_APPEND) !== 0 };
}

/** pflags as flags of open(2). Neither reading nor writing asked for means reading, as with sftp-server. */
function openFlags(pflags: number): number {
  const has = (flag: number): boolean => (pflags & flag) !== 0;
  let flags = constants.O_RDONLY;
  if (has(OPEN.write)) flags = has(OPEN.read) ? constants.O_RDWR : constants.O_WRONLY;
  if (has(OPEN.append)) flags |= constants.O_APPEND;
  if (has(OPEN.create)) flags |= constants.O_CREAT;
  if (has(OPEN.truncate)) flags |= constants.O_TRUNC;
  if (has(OPEN.exclusive)) flags |= constants.O_EXCL;
  return flags;
}

const closeHandle: Operation = {
  writes: false,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    return {
      access: onHandle(handle, true),
      run: async () => {
        await session.handles.close(handle);
        return okAnswer(id);
      },
    };
  },
};

const readFile: Operation = {
  writes: false,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    const offset = packet.u64();
    const length = Math.min(packet.u32(), MAX_DATA_BYTES);
    return {
      access: onHandle(handle, false),
      run: async () => {
        const { fd } = session.handles.file(handle);
        // With room for the header in front, so that the file's bytes need not be copied.
        const buffer = session.takeBuffer(DATA_OFFSET + length);
        const count = await readAt(fd, buffer, DATA_OFFSET, length, toOffset(offset));
        if (count === 0 && length > 0) throw new StatusError(STATUS.eof, "End of file");
        return finishData(buffer, id, count);
      },
    };
  },
};

const writeFile: Operation = {
  writes: true,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    const offset = packet.u64();
    const data = packet.string();
    return {
      access: onHandle(handle, true),
      run: async () => {
        const { fd, append } = session.handles.file(handle);
        await writeAt(fd, data, append ? null : toOffset(offset));
        return okAnswer(id);
      },
    };
  },
};

/** Returns how many bytes were read; 0 at the end of the file. */
export function readAt(
  fd: number,
  buffer: Buffer,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, at, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Writes all of it, at `position` or, with null, at the end of a file opened for appending. */
export async function writeAt(fd: number, data: Buffer, position: number | null): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const from = done;
    done += await new Promise<number>((resolve, reject) => {
      write(fd, data, from, data.length - from, position === null ? null : position + from, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
    if (done === from) throw new StatusError(STATUS.failure, "The system took no bytes");
  }
}

export const fileOperations: readonly (readonly [number, Operation])[] = [
  [PACKET.open, openFile],
  [PACKET.close, closeHandle],
  [PACKET.read, readFile],
  [PACKET.write, writeFile],
];
