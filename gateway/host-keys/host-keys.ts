// The gateway's own SSH host keys. They are made at the first start, kept in DATA/host-keys, and published by
// the API so that hosts and clients can pin them. They are replaced in two steps (host-key-rotation.ts), so
// there are up to three sets: the active one, which is served; the next one, which is only announced; and the
// former one.

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { type HostKeyKind, newHostKey } from "../../protocol/ssh/private-key.ts";
import { formatPublicKey, parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import { readGuardedFile, refuseLoose } from "../program/private-files.ts";
import { reasonOf, StartError } from "../program/start-error.ts";

/** An Ed25519, an RSA and an ECDSA key. */
export interface HostKeySet {
  /** Private keys in the text form that ssh2 reads. The first one is Ed25519. */
  readonly privateKeys: readonly string[];
  /** The public halves in the same order, authorized_keys form, without comments. */
  readonly publicKeys: readonly string[];
}

/** The active set, and the other two. */
export interface HostKeys extends HostKeySet {
  readonly next: HostKeySet | null;
  readonly former: HostKeySet | null;
}

const KINDS: readonly HostKeyKind[] = ["ed25519", "rsa", "ecdsa"];
/**
 * Sets of earlier versions have no key of this kind. The public half beside it distinguishes a key that was
 * lost from one that was never made.
 */
const ADDED: HostKeyKind = "ecdsa";

const fileOf = (kind: HostKeyKind): string => `ssh_host_${kind}_key`;

/** The files in a set's directory. */
export const HOST_KEY_FILES: readonly string[] = [...KINDS.map(fileOf), `${fileOf(ADDED)}.pub`];

const SetName = Type.String({ pattern: "^(\\.|set-[0-9a-f]{12})$" });
const State = Type.Object(
  {
    version: Type.Literal(1),
    /** A directory below `host-keys`; `.` for the very first set. */
    active: SetName,
    next: Type.Union([SetName, Type.Null()]),
    nextSince: Type.Union([Type.String({ maxLength: 40 }), Type.Null()]),
    former: Type.Union([SetName, Type.Null()]),
  },
  { additionalProperties: false },
);
export interface HostKeyState {
  readonly version: 1;
  readonly active: string;
  readonly next: string | null;
  /** When the next keys were announced; ISO 8601. */
  readonly nextSince: string | null;
  readonly former: string | null;
}

export function hostKeyDirectory(dataDir: string): string {
  return join(dataDir, "host-keys");
}

/**
 * Reads the host keys in a data directory, and makes them if there are none.
 * @throws StartError stage `file`: a key is missing, unreadable or damaged. Keys are never replaced silently,
 *   since that would lock out everyone who has pinned them
 */
export async function loadHostKeys(dataDir: string): Promise<HostKeys> {
  const directory = hostKeyDirectory(dataDir);
  if (!existsSync(directory)) await makeHostKeySet(directory);
  refuseLoose(directory, "readers", "The directory of host keys");
  const state = await readHostKeyState(dataDir);
  const read = async (set: string | null) => (set === null ? null : readSet(join(directory, set)));
  return {
    ...(await readSet(join(directory, state.active))),
    next: await read(state.next),
    former: await read(state.former),
  };
}

/** @throws StartError stage `file` */
export async function readHostKeyState(dataDir: string): Promise<HostKeyState> {
  const path = statePath(dataDir);
  // The file exists only after the first rotation.
  if (!existsSync(path)) return { version: 1, active: ".", next: null, nextSince: null, former: null };
  try {
    const state: unknown = JSON.parse(await readFile(path, "utf8"));
    if (Check(State, state)) return state;
  } catch (error) {
    throw new StartError("file", `${path} can't be read (${reasonOf(error)}).`, error);
  }
  throw new StartError("file", `${path} is damaged. Restore it from a backup.`);
}

/** Replaces the state file atomically. @throws StartError stage `file` */
export async function writeHostKeyState(dataDir: string, state: HostKeyState): Promise<void> {
  const path = statePath(dataDir);
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(aside, `${JSON.stringify(state, undefined, 2)}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw new StartError("file", `${path} can't be written (${reasonOf(error)}).`, error);
  }
}

/**
 * Makes a set, either all keys or none: they are written to another directory, which is then renamed.
 * @throws StartError stage `file`
 */
export async function makeHostKeySet(directory: string): Promise<void> {
  const aside = `${directory}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(aside, { mode: 0o700 });
    await Promise.all(KINDS.filter((kind) => kind !== ADDED).map((kind) => makeKey(aside, kind)));
    await addKey(aside);
    await rename(aside, directory);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw new StartError("file", `The host keys in ${directory} can't be made (${reasonOf(error)}).`, error);
  }
}

async function makeKey(directory: string, kind: HostKeyKind): Promise<void> {
  const text = await newHostKey(kind);
  await writeFile(join(directory, fileOf(kind)), text, { mode: 0o600, flag: "wx", flush: true });
}

/**
 * Adds the key that sets of earlier versions lack. Several processes may do so at the same time; one of them
 * wins.
 */
async function addKey(directory: string): Promise<void> {
  const path = join(directory, fileOf(ADDED));
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(aside, await newHostKey(ADDED), { mode: 0o600, flag: "wx", flush: true });
    await link(aside, path).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
    const key = ssh2.utils.parseKey(await readFile(path, "utf8"));
    if (key instanceof Error) throw key;
    await writeFile(`${path}.pub`, `${publicLine(key.type, key.getPublicSSH())}\n`, {
      mode: 0o600,
      flush: true,
    });
  } finally {
    await rm(aside, { force: true });
  }
}

async function readSet(directory: string): Promise<HostKeySet> {
  const privateKeys: string[] = [];
  const publicKeys: string[] = [];
  const added = join(directory, fileOf(ADDED));
  if (!existsSync(added) && !existsSync(`${added}.pub`) && existsSync(join(directory, fileOf("ed25519")))) {
    await addKey(directory).catch((error: unknown) => {
      throw new StartError("file", `The host key ${added} can't be made (${reasonOf(error)}).`, error);
    });
  }
  for (const kind of KINDS) {
    const path = join(directory, fileOf(kind));
    const text = await readGuardedFile(path, "nobody", { stage: "file", what: "The host key" });
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error || !parsed.isPrivateKey()) {
      throw new StartError("file", `The host key ${path} is damaged. Restore it from a backup.`);
    }
    privateKeys.push(text);
    publicKeys.push(publicLine(parsed.type, parsed.getPublicSSH()));
  }
  return { privateKeys, publicKeys };
}

function statePath(dataDir: string): string {
  return join(hostKeyDirectory(dataDir), "state.json");
}

function publicLine(type: string, blob: Buffer): string {
  const key = parsePublicKey(`${type} ${blob.toString("base64")}`);
  return formatPublicKey({ ...key, comment: "" });
}
