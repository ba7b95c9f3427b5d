// The gateway's own SSH host keys: made once at the first start, kept in DATA/host-keys, published by the API so that
// hosts and people can pin them. Replacing them takes two steps (gateway/host-key-rotation.ts), so up to three sets exist:
// the active one, which is served; the next one, which is only made known; and the former one.

import { generateKeyPair, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { opensshEd25519 } from "../protocol/ssh/private-key.ts";
import { formatPublicKey, parsePublicKey } from "../protocol/ssh-public-key.ts";
import { readGuardedFile, refuseLoose } from "./private-files.ts";
import { reasonOf, StartError } from "./start-error.ts";

const generate = promisify(generateKeyPair);

/** One set: an ed25519 and an RSA key. */
export interface HostKeySet {
  /** Private keys in the text form that ssh2 reads; the first one is ed25519. */
  readonly privateKeys: readonly string[];
  /** The public halves in the same order, authorized_keys form, without comments. */
  readonly publicKeys: readonly string[];
}

/** The active set, and what else is known of this gateway. */
export interface HostKeys extends HostKeySet {
  readonly next: HostKeySet | null;
  readonly former: HostKeySet | null;
}

const files = ["ssh_host_ed25519_key", "ssh_host_rsa_key"] as const;

const SetName = Type.String({ pattern: "^(\\.|set-[0-9a-f]{12})$" });
const State = Type.Object(
  {
    version: Type.Literal(1),
    /** Directories below `host-keys`; `.` is the first set ever. */
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
  /** Since when the next keys are there to be learned; ISO 8601. */
  readonly nextSince: string | null;
  readonly former: string | null;
}

export function hostKeyDirectory(dataDir: string): string {
  return join(dataDir, "host-keys");
}

/**
 * Reads the host keys below a data directory, and makes them where there are none.
 * @throws StartError stage `file`: a key is missing, unreadable or damaged. Keys are never replaced silently:
 * everyone who pinned them would be locked out.
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
  // Before the first rotation there is no such file.
  if (!existsSync(path)) return { version: 1, active: ".", next: null, nextSince: null, former: null };
  try {
    const state: unknown = JSON.parse(await readFile(path, "utf8"));
    if (Check(State, state)) return state;
  } catch (error) {
    throw new StartError("file", `${path} can't be read (${reasonOf(error)}).`, error);
  }
  throw new StartError("file", `${path} is damaged: restore it from a backup.`);
}

/** Replaces the state in one step. @throws StartError stage `file` */
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
 * Makes a set, both keys or none: they are written aside and moved into place in one step.
 * @throws StartError stage `file`
 */
export async function makeHostKeySet(directory: string): Promise<void> {
  const aside = `${directory}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(aside, { mode: 0o700 });
    const [ed25519, rsa] = await Promise.all([
      generate("ed25519"),
      generate("rsa", { modulusLength: 3072, publicExponent: 0x10001 }),
    ]);
    const texts = [
      opensshEd25519(ed25519.privateKey),
      rsa.privateKey.export({ type: "pkcs1", format: "pem" }),
    ];
    for (const [index, file] of files.entries()) {
      await writeFile(join(aside, file), texts[index] ?? "", { mode: 0o600, flag: "wx", flush: true });
    }
    await rename(aside, directory);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw new StartError("file", `The host keys in ${directory} can't be made (${reasonOf(error)}).`, error);
  }
}

async function readSet(directory: string): Promise<HostKeySet> {
  const privateKeys: string[] = [];
  const publicKeys: string[] = [];
  for (const file of files) {
    const path = join(directory, file);
    const text = await readGuardedFile(path, "nobody", { stage: "file", what: "The host key" });
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error || !parsed.isPrivateKey()) {
      throw new StartError("file", `The host key ${path} is damaged: restore it from a backup.`);
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
