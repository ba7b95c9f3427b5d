// The person's home directory: empty at first, filled as a test needs it.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOME } from "../setup/enclosure.ts";
import { aside } from "../setup/environment.ts";

export const SSH = join(HOME, ".ssh");
const CONFIG = join(SSH, "config");
export const MANAGED = join(SSH, "sallyport", "config");

/** Empties the home, as on a new machine. What is mounted in there stays. */
export function emptyHome(): void {
  // A mistake here would delete somebody's home directory.
  if (process.env.SALLYPORT_E2E === undefined || !isTmpfs()) throw new Error(`${HOME} is not the tests' own`);
  empty(
    HOME,
    aside.map(({ path }) => path),
  );
  mkdirSync(SSH, { mode: 0o700 });
}

/** Also empties the directories that contain a mount, except for the mount itself. */
function empty(directory: string, mounted: readonly string[]): void {
  for (const entry of readdirSync(directory)) {
    const path = join(directory, entry);
    if (mounted.includes(path)) continue;
    if (mounted.some((one) => one.startsWith(`${path}/`))) empty(path, mounted);
    else rmSync(path, { recursive: true, force: true });
  }
}

/** Returns the path of the private key. */
export function makeKey(
  name: string,
  options: { type?: string; passphrase?: string; directory?: string } = {},
): string {
  const path = join(options.directory ?? SSH, name);
  const { type = "ed25519", passphrase = "" } = options;
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", `ana@laptop (${name})`, "-f", path]);
  return path;
}

export function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").trim();
}

export function writeConfig(text: string | Buffer): void {
  writeFileSync(CONFIG, text, { mode: 0o600 });
}

/** Undefined when there is none. */
export function readConfig(): Buffer | undefined {
  return existsSync(CONFIG) ? readFileSync(CONFIG) : undefined;
}

function isTmpfs(): boolean {
  return readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .some((line) => line.startsWith(`home ${HOME} tmpfs `));
}
