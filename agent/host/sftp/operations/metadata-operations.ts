// Operations on attributes: STAT, LSTAT, FSTAT, SETSTAT, FSETSTAT (§6.8, §6.9) and lsetstat@openssh.com.

import { close, constants, fchmod, fchown, fstat, ftruncate, futimes, open } from "node:fs";
import { chmod, chown, lchmod, lchown, lstat, lutimes, stat, truncate, utimes } from "node:fs/promises";
import { promisify } from "node:util";
import { type Attributes, readAttributes } from "../attributes.ts";
import { StatusError, toOffset } from "../status.ts";
import { PACKET, STATUS } from "../wire.ts";
import {
  attributesAnswer,
  changesPath,
  looksAtPath,
  type Operation,
  okAnswer,
  onHandle,
  readHandle,
  readPath,
} from "./operation.ts";

const descriptor = {
  open: promisify(open),
  close: promisify(close),
  stat: promisify(fstat),
  chmod: promisify(fchmod),
  chown: promisify(fchown),
  truncate: promisify(ftruncate),
  utimes: promisify(futimes),
};

/** Linux: opens a name without following or reading what it names, so that no permission is needed. Node does not list it. */
const O_PATH = 0o10000000;

function look(how: typeof stat): Operation {
  return {
    writes: false,
    plan(session, id, packet) {
      const path = readPath(session, packet);
      return { access: looksAtPath, run: async () => attributesAnswer(id, await how(path)) };
    },
  };
}

const statHandle: Operation = {
  writes: false,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    return {
      access: onHandle(handle, false),
      run: async () => attributesAnswer(id, await descriptor.stat(session.handles.file(handle).fd)),
    };
  },
};

/** The calls that set one attribute each, on a path, a link or a descriptor. */
interface Setters {
  size(length: number): Promise<void>;
  mode(mode: number): Promise<void>;
  times(accessed: number, modified: number): Promise<void>;
  owner(uid: number, gid: number): Promise<void>;
}

/** In sftp-server's order. Each is tried even if others have failed; the last failure is the answer. */
async function apply(attributes: Attributes, setters: Setters): Promise<void> {
  const { size, permissions, times, owner } = attributes;
  const steps: (() => Promise<void>)[] = [];
  if (size !== undefined) steps.push(() => setters.size(toOffset(size)));
  if (permissions !== undefined) steps.push(() => setters.mode(permissions & 0o7777));
  if (times !== undefined) steps.push(() => setters.times(times.accessed, times.modified));
  if (owner !== undefined) steps.push(() => setters.owner(owner.uid, owner.gid));
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures.at(-1);
}

function set(setters: (path: Buffer) => Setters): Operation {
  return {
    writes: true,
    plan(session, id, packet) {
      const path = readPath(session, packet);
      const attributes = readAttributes(packet);
      return {
        access: changesPath,
        run: async () => {
          await apply(attributes, setters(path));
          return okAnswer(id);
        },
      };
    },
  };
}

const setOnHandle: Operation = {
  writes: true,
  plan(session, id, packet) {
    const handle = readHandle(packet);
    const attributes = readAttributes(packet);
    return {
      access: onHandle(handle, true),
      run: async () => {
        const { fd } = session.handles.file(handle);
        await apply(attributes, {
          size: (length) => descriptor.truncate(fd, length),
          mode: (mode) => descriptor.chmod(fd, mode),
          times: (accessed, modified) => descriptor.utimes(fd, accessed, modified),
          owner: (uid, gid) => descriptor.chown(fd, uid, gid),
        });
        return okAnswer(id);
      },
    };
  },
};

/** lsetstat@openssh.com: like SETSTAT, but of a link itself. */
export const setOnLink: Operation = set((path) => ({
  size: () => Promise.reject(new StatusError(STATUS.badMessage, "A link has no size to set")),
  mode: (mode) => chmodLink(path, mode),
  times: (accessed, modified) => lutimes(path, accessed, modified),
  owner: (uid, gid) => lchown(path, uid, gid),
}));

/** Linux cannot change the mode of a link. With a descriptor, nobody can put a link there between check and change. */
async function chmodLink(path: Buffer, mode: number): Promise<void> {
  if (process.platform === "darwin") return await lchmod(path, mode);
  if (process.platform !== "linux") throw new StatusError(STATUS.unsupported, "Operation not supported");
  const fd = await descriptor.open(path, O_PATH | constants.O_NOFOLLOW);
  try {
    if ((await descriptor.stat(fd)).isSymbolicLink()) {
      throw new StatusError(STATUS.failure, "A link has no mode to set");
    }
    await chmod(`/proc/self/fd/${fd}`, mode);
  } finally {
    await descriptor.close(fd);
  }
}

export const metadataOperations: readonly (readonly [number, Operation])[] = [
  [PACKET.lstat, look(lstat)],
  [PACKET.stat, look(stat)],
  [PACKET.fstat, statHandle],
  [
    PACKET.setstat,
    set((path) => ({
      size: (length) => truncate(path, length),
      mode: (mode) => chmod(path, mode),
      times: (accessed, modified) => utimes(path, accessed, modified),
      owner: (uid, gid) => chown(path, uid, gid),
    })),
  ],
  [PACKET.fsetstat, setOnHandle],
];
