// Replaces the gateway's host keys in two steps, because a client that knows only the old key can learn the new one only
// over a connection that the old key proves. `rotate` makes the next keys: the gateway goes on serving the old ones and
// tells of the new (OpenSSH's UpdateHostKeys, the discovery document). `rotate --activate` serves the new ones; the old
// ones are still told of and proved, so that clients of a gateway that has not been restarted yet are not confused.

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

/** Makes the next keys, and forgets the former ones. @throws StartError stage `file`; also where there are next keys */
export async function announceHostKeys(dataDir: string, now: Date): Promise<HostKeyReport> {
  await loadHostKeys(dataDir);
  const state = await readHostKeyState(dataDir);
  if (state.next !== null) {
    throw new StartError(
      "file",
      `New host keys have been announced since ${state.nextSince ?? "some time"}. People learn them as they connect; run this again with --activate to serve them.`,
    );
  }
  const next = `set-${randomBytes(6).toString("hex")}`;
  await makeHostKeySet(join(hostKeyDirectory(dataDir), next));
  await writeHostKeyState(dataDir, { ...state, next, nextSince: now.toISOString(), former: null });
  await removeSet(dataDir, state.former);
  return showHostKeys(dataDir);
}

/** Serves the next keys from the gateway's next start on. @throws StartError stage `file` */
export async function activateHostKeys(dataDir: string): Promise<HostKeyReport> {
  const state = await readHostKeyState(dataDir);
  if (state.next === null) {
    throw new StartError("file", "There are no new host keys: `rotate` without --activate makes them.");
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

/** Removes the former keys: clients that connect from the next start on forget them. @throws StartError stage `file` */
export async function forgetFormerHostKeys(dataDir: string): Promise<HostKeyReport> {
  const state = await readHostKeyState(dataDir);
  await writeHostKeyState(dataDir, { ...state, former: null });
  await removeSet(dataDir, state.former);
  return showHostKeys(dataDir);
}

async function removeSet(dataDir: string, set: string | null): Promise<void> {
  if (set === null) return;
  const directory = join(hostKeyDirectory(dataDir), set);
  // The first set ever lies beside the state and the other sets.
  const paths = set === "." ? HOST_KEY_FILES.map((file) => join(directory, file)) : [directory];
  for (const path of paths) await rm(path, { recursive: true, force: true });
}
