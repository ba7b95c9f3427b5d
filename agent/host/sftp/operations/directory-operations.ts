// Operations on directories and names: OPENDIR, READDIR, MKDIR, RMDIR, REMOVE, RENAME, READLINK, SYMLINK, REALPATH
// (§6.5 to §6.7, §6.10, §6.11).

import type { Dir, Stats } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  opendir,
  readlink,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
} from "node:fs/promises";
import { errorCode } from "../../../platform/error-code.ts";
import { readAttributes, writeAttributes } from "../attributes.ts";
import type { OpenDirectory } from "../handles.ts";
import { PacketWriter } from "../packet.ts";
import { StatusError } from "../status.ts";
import { PACKET, STATUS } from "../wire.ts";
import { longName } from "./listing.ts";
import {
  changesPath,
  handleAnswer,
  looksAtPath,
  nameAnswer,
  type Operation,
  okAnswer,
  onHandle,
  readHandle,
  readPath,
  type SftpSession,
} from "./operation.ts";
import { absolutePath, joinPath, realPath } from "./real-path.ts";

/** Entries of one READDIR answer: as many as sftp-server sends, well below the packet limit. */
const BATCH = 100;
const here = Buffer.from(".");
const dots = [here, Buffer.from("..")];

const openDirectory: Operation = {
  writes: false,
  plan(session, id, packet) {
    const path = readPath(session, packet);
    return {
      access: looksAtPath,
      run: async () => handleAnswer(id, await session.handles.add(() => openAt(path))),
    };
  },
};

async function openAt(path: Buffer): Promise<OpenDirectory> {
  // With this encoding the names are bytes. Node's types have it for readdir only.
  const options = { encoding: "buffer", bufferSize: BATCH };
  const dir: Dir = await Reflect.apply(opendir, undefined, [path, options]);
  // A copy, since the packet's buffer is used again.
  return { kind: "directory", dir, path: Buffer.from(path), dotsSent: false, ended: false };
}

const readDirectory: Operation = {
  writes: false,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    return {
      access: onHandle(handle, true),
      run: () => nextEntries(session, id, session.handles.directory(handle)),
    };
  },
};

interface Entry {
  readonly name: Buffer;
  readonly stats: Stats;
}

async function nextEntries(session: SftpSession, id: number, directory: OpenDirectory): Promise<Buffer> {
  while (!directory.ended) {
    const names = await nextNames(directory);
    const found = await Promise.all(names.map((name) => entryOf(directory.path, name)));
    const entries = found.filter((entry) => entry !== undefined);
    if (entries.length > 0) return entriesAnswer(session, id, entries);
  }
  throw new StatusError(STATUS.eof, "End of directory");
}

async function nextNames(directory: OpenDirectory): Promise<Buffer[]> {
  const names: Buffer[] = [];
  if (!directory.dotsSent) {
    directory.dotsSent = true;
    names.push(...dots);
  }
  while (names.length < BATCH) {
    const entry = await directory.dir.read();
    if (entry === null) {
      directory.ended = true;
      break;
    }
    const name: unknown = entry.name;
    names.push(Buffer.isBuffer(name) ? name : Buffer.from(String(name)));
  }
  return names;
}

async function entryOf(directory: Buffer, name: Buffer): Promise<Entry | undefined> {
  try {
    return { name, stats: await lstat(joinPath(directory, name)) };
  } catch (error) {
    // The entry may be gone by now, or hidden from us: the listing goes on without it, as with sftp-server.
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

async function entriesAnswer(session: SftpSession, id: number, entries: readonly Entry[]): Promise<Buffer> {
  const owners = await session.users.names();
  const now = new Date();
  const packet = new PacketWriter(PACKET.name).u32(id).u32(entries.length);
  for (const { name, stats } of entries) {
    writeAttributes(packet.string(name).string(longName(name, stats, owners, now)), stats);
  }
  return packet.finish();
}

/** An operation that changes names and answers with nothing but success. */
function change(action: (path: Buffer) => Promise<unknown>): Operation {
  return {
    writes: true,
    plan(session, id, packet) {
      const path = readPath(session, packet);
      return {
        access: changesPath,
        run: async () => {
          await action(path);
          return okAnswer(id);
        },
      };
    },
  };
}

const makeDirectory: Operation = {
  writes: true,
  plan(session, id, packet) {
    const path = readPath(session, packet);
    const { permissions } = readAttributes(packet);
    return {
      access: changesPath,
      run: async () => {
        await mkdir(path, { mode: (permissions ?? 0o777) & 0o7777 });
        return okAnswer(id);
      },
    };
  },
};

/** An operation on two paths; each is relative to the session's directory. */
export function changeTwo(action: (from: Buffer, to: Buffer) => Promise<unknown>): Operation {
  return {
    writes: true,
    plan(session, id, packet) {
      const from = readPath(session, packet);
      const to = readPath(session, packet);
      return {
        access: changesPath,
        run: async () => {
          await action(from, to);
          return okAnswer(id);
        },
      };
    },
  };
}

/** What link(2) says where a file system has no hard links, or where this file may not have one. */
const noLinks: ReadonlySet<string | undefined> = new Set([
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EXDEV",
  "EPERM",
]);

/**
 * RENAME of version 3 must not overwrite (§6.5). For a regular file link and unlink do that without a race, where
 * the file system can link; otherwise the target is looked for first.
 */
async function renameWithoutOverwriting(from: Buffer, to: Buffer): Promise<void> {
  const stats = await lstat(from);
  if (stats.isFile()) {
    try {
      await link(from, to);
    } catch (error) {
      if (!noLinks.has(errorCode(error))) throw error;
      return await renameIfMissing(from, to);
    }
    try {
      return await unlink(from);
    } catch (error) {
      await unlink(to);
      throw error;
    }
  }
  await renameIfMissing(from, to);
}

async function renameIfMissing(from: Buffer, to: Buffer): Promise<void> {
  const exists = await stat(to).then(
    () => true,
    (error: unknown) => {
      // It is missing, or cannot be looked at: then rename(2) fails for the same reason, and says so.
      if (errorCode(error) === undefined) throw error;
      return false;
    },
  );
  if (exists) throw new StatusError(STATUS.failure, "File exists");
  await rename(from, to);
}

const readLink: Operation = {
  writes: false,
  plan(session, id, packet) {
    const path = readPath(session, packet);
    return {
      access: looksAtPath,
      run: async () => nameAnswer(id, await readlink(path, { encoding: "buffer" })),
    };
  },
};

/** In OpenSSH the two arguments are in the opposite order to the draft (PROTOCOL §4.1); all clients follow it. */
const makeLink: Operation = {
  writes: true,
  plan(session, id, packet) {
    const target = packet.path();
    const path = readPath(session, packet);
    return {
      access: changesPath,
      run: async () => {
        await symlink(target, path);
        return okAnswer(id);
      },
    };
  },
};

const resolvePath: Operation = {
  writes: false,
  plan(session, id, packet) {
    const asked = packet.path();
    const path = absolutePath(session.base, asked.length === 0 ? here : asked);
    return { access: looksAtPath, run: async () => nameAnswer(id, await realPath(path)) };
  },
};

export const directoryOperations: readonly (readonly [number, Operation])[] = [
  [PACKET.opendir, openDirectory],
  [PACKET.readdir, readDirectory],
  [PACKET.remove, change(unlink)],
  [PACKET.mkdir, makeDirectory],
  [PACKET.rmdir, change(rmdir)],
  [PACKET.rename, changeTwo(renameWithoutOverwriting)],
  [PACKET.readlink, readLink],
  [PACKET.symlink, makeLink],
  [PACKET.realpath, resolvePath],
];
