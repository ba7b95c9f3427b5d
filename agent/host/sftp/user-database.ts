// Names of users and groups, from /etc/passwd and /etc/group. Node has no getpwuid(3), so that users that only a directory
// service knows are shown by number. A file is read again when it has changed.

import { readFile, stat } from "node:fs/promises";
import { errorCode } from "../../platform/error-code.ts";

export interface OwnerNames {
  /** The name, or the number where there is none. */
  user(uid: number): string;
  group(gid: number): string;
}

export class UserDatabase {
  readonly #users: CachedFile;
  readonly #groups: CachedFile;

  constructor(passwdFile = "/etc/passwd", groupFile = "/etc/group") {
    this.#users = new CachedFile(passwdFile);
    this.#groups = new CachedFile(groupFile);
  }

  async names(): Promise<OwnerNames> {
    const { users, groups } = await this.byId();
    return {
      user: (uid) => users.get(uid) ?? String(uid),
      group: (gid) => groups.get(gid) ?? String(gid),
    };
  }

  async byId(): Promise<{ users: ReadonlyMap<number, string>; groups: ReadonlyMap<number, string> }> {
    const [users, groups] = await Promise.all([this.#users.load(), this.#groups.load()]);
    return { users: users.names, groups: groups.names };
  }

  /** The home directory of a user by name; undefined if there is no such user. */
  async home(name: string): Promise<string | undefined> {
    const { homes } = await this.#users.load();
    return homes.get(name);
  }
}

interface Parsed {
  /** By id; where several have the same id, the first counts, as in getpwuid(3). */
  readonly names: ReadonlyMap<number, string>;
  /** Home directories by user name; empty texts in /etc/group. */
  readonly homes: ReadonlyMap<string, string>;
}

class CachedFile {
  readonly #path: string;
  #version = "";
  #parsed: Parsed = { names: new Map(), homes: new Map() };

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<Parsed> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version !== this.#version) {
        this.#parsed = parseAccounts(await readFile(this.#path, "utf8"));
        this.#version = version;
      }
    } catch (error) {
      // Where these files are missing or hidden, numbers are shown instead of names.
      if (errorCode(error) === undefined) throw error;
    }
    return this.#parsed;
  }
}

/** passwd(5) and group(5) alike: name, password, id; in passwd the home directory is the sixth field. */
function parseAccounts(text: string): Parsed {
  const names = new Map<number, string>();
  const homes = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name, , id, , , home] = line.split(":");
    if (name === undefined || name === "" || name.startsWith("#")) continue;
    if (id === undefined || !/^\d{1,10}$/.test(id)) continue;
    const number = Number(id);
    if (!names.has(number)) names.set(number, name);
    if (!homes.has(name)) homes.set(name, home ?? "");
  }
  return { names, homes };
}
