// Listens on a Unix socket that is for this user alone from its first moment. The umask would do it, but it belongs to the
// whole process: files that other threads make meanwhile would get it too. So the socket is made in a directory that
// nobody else may enter, gets its mode there, and appears under its own name when it is ready.

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
import { type PlainPath, plainPath } from "./plain-path.ts";

/** What a socket's path may be long, in bytes, on any system (sockaddr_un). */
const MAX_PATH = 103;

export interface Listener {
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

/** The path is removed with the listener. @throws Error: what is at `path` already stays as it is */
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
      // The way around is longer than `path`: by a descriptor it is short. The close unlinks by it, so it stays open.
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

/** A socket that nobody listens on is removed; anything else in its place is left alone. @throws Error */
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
    probe.once("error", (error) => answer(!("code" in error && error.code === "ECONNREFUSED")));
  });
  if (inUse) throw taken("it is in use");
  unlinkSync(bytesOf(path));
}

function taken(why: string): Error {
  return Object.assign(new Error(why), { code: "EADDRINUSE" });
}

function madeIn(parent: PlainPath): string {
  try {
    // Not by join(), which takes the full stop for the directory itself.
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
      // A running listener errs by accept(2) alone, which the next connection tries again.
      server.on("error", () => {});
      done(server);
    });
  });
}

/** Fails where there is something already, as bind(2) does. */
function publish(made: string, path: Buffer): void {
  try {
    linkSync(made, path);
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw error;
    // A file system without links.
    renameSync(made, path);
  }
}

/** Another program's socket may have taken its place since. */
function removeIfSame(path: Buffer, own: Stats): void {
  try {
    const { ino, dev } = lstatSync(path);
    if (ino === own.ino && dev === own.dev) unlinkSync(path);
  } catch {
    // Somebody else has removed it.
  }
}
