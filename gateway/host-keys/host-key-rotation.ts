// Replaces the gateway's host keys in two steps, because a client can learn a new key only over a
// connection that was authenticated with a key it already knows. `rotate` makes the next keys: the gateway
// still serves the active ones and announces the next ones (by OpenSSH's UpdateHostKeys, and in the
// discovery document). `rotate --activate` makes the next keys the active ones. The former ones are still
// announced and proved, so that clients of a gateway that has not been restarted yet are not confused.

import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../program/start-error.ts";
import {
  HOST_KEY_FILES,
  type HostKeyState,
  type HostKeys,
  hostKeyDirectory,
  loadHostKeys,
  makeHostKeySet,
  readHostKeyState,
  writeHostKeyState,
} from "./host-keys.ts";

export interface HostKeyReport {
  readonly state: HostKeyState;
  readonly keys: HostKeys;
}

/** @throws StartError stage `file` */
export async function showHostKeys(dataDir: string): Promise<HostKeyReport> {
  return { state: await readHostKeyState(dataDir), keys: await loadHostKeys(dataDir) };
}

/**
 * Makes the next keys and deletes the former ones.
 * @throws StartError stage `file`; also if there are next keys already
 */
export async function announceHostKeys(dataDir: string, now: Date): Promise<HostKeyReport> {
  await loadHostKeys(dataDir);
  const state = await readHostKeyState(dataDir);
  if (state.next !== null) {
    throw new StartError(
      "file",
      `New host keys have been announced since ${state.nextSince ?? "some time"}. Clients learn them when they connect. Run this again with --activate to serve them.`,
    );
  }
  const next = `set-${randomBytes(6).toString("hex")}`;
  await makeHostKeySet(join(hostKeyDirectory(dataDir), next));
  await writeHostKeyState(dataDir, { ...state, next, nextSince: now.toISOString(), former: null });
  await removeSet(dataDir, state.former);
  return showHostKeys(dataDir);
}

/** Makes the next keys the active ones, from the gateway's next start on. @throws StartError stage `file` */
export async function activateHostKeys(dataDir: string): Promise<HostKeyReport> {
  const state = await readHostKeyState(dataDir);
  if (state.next === null) {
    throw new StartError("file", "There are no new host keys. Make them with `rotate`, without --activate.");
  }
  await loadHostKeys(dataDir);
  await writeHostKeyState(dataDir, {
    version: 1,
    active: state.next,
    next: null,
    nextSince: null,
    former: state.active,
  });
  await removeSet(dataDir, state.former);
  return showHostKeys(dataDir);
}

/**
 * Deletes the former keys. Clients that connect after the next start forget them.
 * @throws StartError stage `file`
 */
export async function forgetFormerHostKeys(dataDir: string): Promise<HostKeyReport> {
  const state = await readHostKeyState(dataDir);
  await writeHostKeyState(dataDir, { ...state, former: null });
  await removeSet(dataDir, state.former);
  return showHostKeys(dataDir);
}

async function removeSet(dataDir: string, set: string | null): Promise<void> {
  if (set === null) return;
  const directory = join(hostKeyDirectory(dataDir), set);
  // The very first set lies beside the state file and the directories of the other sets.
  const paths = set === "." ? HOST_KEY_FILES.map((file) => join(directory, file)) : [directory];
  for (const path of paths) await rm(path, { recursive: true, force: true });
}
