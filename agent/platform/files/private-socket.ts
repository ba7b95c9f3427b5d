// Listens on a Unix socket that is private to this user from its first moment. The umask would do that, but it belongs to the
// whole process and would affect files that other threads make. So the socket is made in a directory that nobody else may
// enter, gets its mode there, and then appears under its own name.

import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { bytesOf } from "../../../protocol/values/byte-text.ts";
import { errorCode } from "../error-code.ts";
import { type PlainPath, plainPath } from "./plain-path.ts";

/** The longest path of a socket, in bytes, that every system takes (sockaddr_un). */
const MAX_PATH = 103;

export interface Listener {
  /** Stops listening. Open connections stay. */
  close(): void;
}

/** Closing the listener removes the path. @throws Error: for example if `path` exists, which is then left alone */
export async function listenPrivately(server: Server, path: string): Promise<Listener> {
  const parent = plainPath(dirname(path));
  const directory = madeIn(parent);
  let descriptor: number | undefined;
  const close = () => {
    server.close();
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  try {
    const made = join(directory, "s");
    let address = made;
    if (Buffer.byteLength(made) > MAX_PATH && process.platform === "linux") {
      // The temporary path is longer than `path`; by way of a descriptor it is short. Closing unlinks by it: it stays open.
      descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      address = `/proc/self/fd/${descriptor}/s`;
    }
    await listen(server, address);
    chmodSync(made, 0o600);
    const own = lstatSync(made);
    const published = bytesOf(path);
    publish(made, published);
    return {
      close() {
        close();
        removeIfSame(published, own);
      },
    };
  } catch (error) {
    close();
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
    parent.release();
  }
}

/** Removes a socket that nobody listens on. @throws Error: it is in use, or is not a socket */
export async function removeStaleSocket(path: string): Promise<void> {
  const existing = lstatSync(bytesOf(path), { throwIfNoEntry: false });
  if (existing === undefined) return;
  if (!existing.isSocket()) throw taken("it exists and is not a socket");
  const plain = plainPath(path);
  const inUse = await new Promise<boolean>((answer) => {
    const probe = connect({ path: plain.path });
    probe.once("close", plain.release);
    probe.once("connect", () => {
      probe.destroy();
      answer(true);
    });
    probe.once("error", (error) => answer(errorCode(error) !== "ECONNREFUSED"));
  });
  if (inUse) throw taken("it is in use");
  unlinkSync(bytesOf(path));
}

function taken(why: string): Error {
  return Object.assign(new Error(why), { code: "EADDRINUSE" });
}

function madeIn(parent: PlainPath): string {
  try {
    // Not with join(), which would drop the full stop.
    return mkdtempSync(`${parent.path}/.`);
  } catch (error) {
    parent.release();
    throw error;
  }
}

export function listen(
  server: Server,
  where: string | { readonly host: string; readonly port: number },
): Promise<Server> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(typeof where === "string" ? { path: where } : where, () => {
      server.off("error", fail);
      // A running listener fails only in accept(2), which is tried again for the next connection.
      server.on("error", () => {});
      done(server);
    });
  });
}

/** Gives the socket its name. Fails if the name is taken, as bind(2) does. */
function publish(made: string, path: Buffer): void {
  try {
    linkSync(made, path);
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw error;
    // A file system without hard links.
    renameSync(made, path);
  }
}

/** By now another program's socket may be at this path. */
function removeIfSame(path: Buffer, own: Stats): void {
  try {
    const { ino, dev } = lstatSync(path);
    if (ino === own.ino && dev === own.dev) unlinkSync(path);
  } catch {
    // It has been removed already.
  }
}
