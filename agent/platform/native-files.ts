// The executable's native parts as files, since no system loads them from memory. Archives and packages put them beside the
// executable; a lone executable unpacks them into the first directory that the system loads from. Nothing counts that another
// user could have put there: files are compared with what is built in.

import { createHash, randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { executable } from "./executable.ts";
import { cacheDirectory, thisMachine } from "./paths.ts";

const loaded = new Map<string, unknown>();

/** What a native part exports. @throws Error that says why it does not load */
export function loadBuiltIn(name: string): unknown {
  if (!loaded.has(name)) loaded.set(name, load(name));
  return loaded.get(name);
}

/** The path of a file that is built in. @throws Error if there is none, or no place for it */
export function nativeFile(name: string): string {
  for (const { path } of places(name)) return path;
  throw new Error(`there is no directory that ${name} can be written to`);
}

function load(name: string): unknown {
  let failure: unknown;
  for (const { path, isLast } of places(name)) {
    const module = { exports: {} };
    try {
      process.dlopen(module, path);
      return module.exports;
    } catch (error) {
      failure = error;
      // Only a directory whose files cannot be run is worth another try: a missing library is missing everywhere.
      if (isLast || !isForbidden(error)) break;
    }
  }
  throw failure ?? new Error(`there is no directory that ${name} can be written to`);
}

/** What glibc and musl say of a file system that is mounted "noexec". */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && /failed to map segment|not permitted/i.test(error.message);
}

interface Place {
  readonly path: string;
  readonly isLast: boolean;
}

/** Where the file is, or is put when it is asked for. */
function* places(name: string): Generator<Place> {
  const contents = executable()?.asset(name);
  if (contents === undefined) throw new Error("native parts are built into the executable only");
  const beside = join(dirname(process.execPath), name);
  if (isOurs(beside, contents)) yield { path: beside, isLast: false };
  const directories = unpackDirectories();
  for (const [index, directory] of directories.entries()) {
    const path = unpack(directory, name, contents);
    if (path !== undefined) yield { path, isLast: index === directories.length - 1 };
  }
}

function unpackDirectories(): string[] {
  const { env } = process;
  const user = process.getuid?.() ?? "user";
  const temporary = [tmpdir(), "/var/tmp", "/dev/shm"].map((directory) =>
    join(directory, `sallyport-native-${user}`),
  );
  const runtime = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, "sallyport-native")] : [];
  const cache = join(cacheDirectory(thisMachine(env, homedir)), "native");
  return [...new Set([cache, ...runtime, ...(process.platform === "win32" ? [] : temporary)])];
}

/** The file's path; undefined where it cannot be written, or others could change it. */
function unpack(directory: string, name: string, contents: Uint8Array): string | undefined {
  const digest = createHash("sha256").update(contents).digest("hex").slice(0, 16);
  const ending = extname(name);
  const path = join(directory, `${name.slice(0, name.length - ending.length)}-${digest}${ending}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!isPrivate(directory)) return undefined;
    if (isOurs(path, contents)) return path;
    const temporary = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      writeFileSync(temporary, contents, { mode: 0o700, flag: "wx" });
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    return path;
  } catch {
    return undefined; // Not writable: the next directory may be.
  }
}

/** Whether it has these contents, and only this user or root can change it. */
function isOurs(path: string, contents: Uint8Array): boolean {
  try {
    const { uid, mode } = lstatSync(path);
    const owners = [0, process.getuid?.() ?? 0];
    const isSafe = process.platform === "win32" || (owners.includes(uid) && (mode & 0o022) === 0);
    return isSafe && readFileSync(path).equals(contents);
  } catch {
    return false; // Not there, or unreadable.
  }
}

function isPrivate(directory: string): boolean {
  if (process.platform === "win32") return true;
  const found = lstatSync(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
